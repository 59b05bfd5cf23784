import { type Logger, pino } from 'pino'

/** The house's logger: one JSON object a line on standard output's sibling, standard error. */
export type Log = Logger

/** A logger at the given level; standard output stays free for the `ready` line and for commands' results. */
export function createLog(level: string): Log {
  return pino({ level, base: { pid: process.pid } }, pino.destination({ fd: 2, sync: true }))
}
