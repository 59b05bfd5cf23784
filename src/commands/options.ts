import { type ParseArgsConfig, parseArgs } from 'node:util'
import { UsageError } from './command.js'

/** Reads a command's words and options; throws a `UsageError` that names what it does not know, and says the rule. */
export function readOptions<const T extends ParseArgsConfig>(config: T, rule: string): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config)
  } catch (error) {
    const isWrongCall = error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_')
    throw isWrongCall ? new UsageError(`${error.message.split('. ')[0]}: ${rule}`) : error
  }
}
