import { isAuthId, isSid } from '../sid.js'
import { AUDIT_ACTIONS, type AuditFilter, type AuditRecord, listAudit } from '../store/audit.js'
import type { Queryable } from '../store/database.js'
import { migrateWhenUp, openDatabase } from '../stores.js'
import { escapeUnprintable } from '../unprintable.js'
import { type CommandContext, UsageError } from './command.js'
import { DURATION_RULE, parseDuration } from './duration.js'
import { readOptions } from './options.js'

const PAGE = 1_000

const OPTIONS = {
  account: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  action: { type: 'string' },
  resource: { type: 'string' },
  limit: { type: 'string', default: '100' },
  json: { type: 'boolean', default: false },
} as const

const RULE = `sipauthd audit takes ${Object.keys(OPTIONS)
  .map((name) => `--${name}`)
  .join(', ')}`

/** `sipauthd audit`: who changed what, newest first; one line each, as columns or as JSON. */
export async function runAudit({ config, log, args, print }: CommandContext): Promise<number> {
  const { filter, limit, json } = readArguments(args, Date.now())
  const database = await openDatabase(config, log)
  try {
    await migrateWhenUp(database, log, Date.now)
    for await (const record of readTrail(database.pool, filter, limit)) {
      print(json ? `${JSON.stringify(toJson(record))}\n` : toColumns(record))
    }
    return 0
  } finally {
    await database.close()
  }
}

/** Page by page, each behind the last line of the one before: the trail may be long, and grows at the other end. */
async function* readTrail(db: Queryable, filter: AuditFilter, limit: number): AsyncGenerator<AuditRecord> {
  let before: string | undefined
  for (let left = limit; left > 0; left -= PAGE) {
    const page = await listAudit(db, filter, { before, size: Math.min(left, PAGE) })
    yield* page
    if (page.length < PAGE) return
    before = page.at(-1)?.id
  }
}

function readArguments(args: readonly string[], now: number) {
  const { values } = readOptions({ args: [...args], options: OPTIONS }, RULE)
  const { account, resource, action, limit } = values
  if (account !== undefined && !isSid('account', account) && !isAuthId(account)) {
    throw new UsageError('--account must be an account SID or an MA_ id')
  }
  const known = AUDIT_ACTIONS.find((each) => each === action)
  if (action !== undefined && known === undefined) {
    throw new UsageError(`--action must be one of ${AUDIT_ACTIONS.join(', ')}`)
  }
  if (resource !== undefined && !/^[A-Z]{2}[0-9a-f]{32}$/.test(resource))
    throw new UsageError('--resource must be a SID')
  if (!/^\d{1,9}$/.test(limit)) throw new UsageError('--limit must be a number of lines; 0 for all')
  const filter: AuditFilter = {
    ...{ account, action: known, resourceSid: resource },
    since: readTime('since', values.since, now),
    until: readTime('until', values.until, now),
  }
  return { filter, limit: Number(limit) || Number.POSITIVE_INFINITY, json: values.json }
}

/** A date or a time of ISO 8601, in UTC where it names no zone; or a duration back from now. */
function readTime(name: string, text: string | undefined, now: number): Date | undefined {
  if (text === undefined) return undefined
  const back = parseDuration(text)
  if (back !== undefined) return new Date(now - back * 1_000)
  const [, date, time = '00:00', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? []
  const parsed = new Date(`${date}T${time}${zone}`)
  if (date === undefined || Number.isNaN(parsed.getTime())) {
    throw new UsageError(`--${name} must be a time like 2026-11-22 or 2026-11-22T13:30Z, or ${DURATION_RULE}`)
  }
  return parsed
}

function toJson({ id, at, accountSid, author, action, resourceSid, detail }: AuditRecord): Record<string, unknown> {
  return {
    ...{ id, at, account_sid: accountSid, actor_sid: author.actorSid ?? null, door: author.door },
    ...{ request_id: author.requestId ?? null, action, resource_sid: resourceSid, detail },
  }
}

/** Time, action, resource, account, by whom and through which door, request, and what changed. */
function toColumns({ at, accountSid, author, action, resourceSid, detail }: AuditRecord): string {
  const columns = [
    at.toISOString(),
    action.padEnd(ACTION_WIDTH),
    resourceSid,
    `in=${accountSid}`,
    `by=${author.actorSid ?? '-'}`,
    `door=${author.door}`,
    `request=${author.requestId ?? '-'}`,
    escapeUnprintable(JSON.stringify(detail)),
  ]
  return `${columns.join(' ')}\n`
}

const ACTION_WIDTH = Math.max(...AUDIT_ACTIONS.map(({ length }) => length))
