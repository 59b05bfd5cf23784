import { type Logger, pino } from 'pino'

/** The house's logger: one JSON object a line on standard output's sibling, standard error. */
export type Log = Logger

/** A logger at the given level; standard output stays free for the `ready` line and for commands' results. */
export function createLog(level: string): Log {
  const serializers = { err: describeError }
  return pino({ level, base: { pid: process.pid }, serializers }, pino.destination({ fd: 2, sync: true }))
}

/** What of an error is fit for a line: ioredis, for one, puts the failed command's arguments into its errors. */
const FIELDS = new Set(['code', 'errno', 'syscall', 'address', 'port', 'severity', 'constraint', 'table'])

/** Words by which stores and their clients say that they are not there, or take too long. */
const OUTAGE =
  /^(command timed out|connection |redis |postgresql |timeout expired|query read timeout)|timeout exceeded/i

/** What a server or the system refused says all in its message: only a fault of ours needs its stack. */
function isRefusal(error: Error): boolean {
  const isAway = 'code' in error && /^(E[A-Z]+|08\w{3}|57P\d\d)$/.test(String(error.code))
  return isAway || error.name === 'ReplyError' || OUTAGE.test(error.message)
}

function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error === 'object' ? 'not an Error' : error
  const fields = Object.entries(error).filter(([field]) => FIELDS.has(field))
  const causes = error instanceof AggregateError ? error.errors : error.cause === undefined ? [] : [error.cause]
  return {
    type: error.name,
    message: error.message,
    ...(!isRefusal(error) && { stack: error.stack }),
    ...Object.fromEntries(fields),
    ...(causes.length > 0 && { causes: causes.slice(0, 5).map(describeError) }),
  }
}
