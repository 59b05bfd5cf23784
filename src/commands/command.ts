import type { Config } from '../config.js'
import type { Log } from '../log.js'

/** What a command may use. */
export type CommandContext = {
  readonly config: Config
  readonly log: Log
  /** Words after the command's own. */
  readonly args: readonly string[]
  /** Writes to standard output. */
  readonly print: (text: string) => void
}

/** Runs to the end and answers the process's exit code. */
export type Command = (context: CommandContext) => Promise<number>

/** The command was called wrongly: exit code 2, with the rule. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
