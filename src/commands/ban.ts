import { createSubjects, readSubject } from '../auth/attempt.js'
import { toSource } from '../auth/source-address.js'
import { normalizeRealm } from '../names.js'
import { findSubjects, type ListedBan, liftBan, listBans } from '../redis/ban-list.js'
import type { RedisClient } from '../redis/client.js'
import { requireRedis } from '../stores.js'
import { escapeUnprintable } from '../unprintable.js'
import { type CommandContext, UsageError } from './command.js'
import { readOptions } from './options.js'

const OPTIONS = {
  list: { json: { type: 'boolean', default: false } },
  lift: { all: { type: 'boolean', default: false }, user: { type: 'string' }, realm: { type: 'string' } },
} as const

const RULE =
  'sipauthd ban takes list [--json], lift ADDRESS [--user NAME --realm REALM] or lift --all; ADDRESS is an IP address'

/** What is to be done, once the words are understood. */
type Work = (redis: RedisClient, print: CommandContext['print']) => Promise<number>

/** `sipauthd ban list|lift`: shows whom the throttle refuses at this moment, and forgets bans with all that led to them. */
export async function runBan({ config, log, args, print }: CommandContext): Promise<number> {
  const work = readWork(args)
  if (!config.REDIS_URL) {
    throw new UsageError(
      'REDIS_URL must be set: without it bans lie in the server process, and a restart of it lifts them',
    )
  }
  const redis = await requireRedis(config.REDIS_URL, log)
  try {
    return await work(redis, print)
  } finally {
    redis.disconnect()
  }
}

function readWork([action, ...args]: readonly string[]): Work {
  if (action === 'list') return readList(args)
  if (action === 'lift') return readLift(args)
  throw new UsageError(RULE)
}

function readList(args: readonly string[]): Work {
  const { json } = readOptions({ args: [...args], options: OPTIONS.list }, RULE).values
  return (redis, print) => list(json, redis, print)
}

function readLift(args: readonly string[]): Work {
  const options = { args: [...args], options: OPTIONS.lift, allowPositionals: true } as const
  const { values, positionals } = readOptions(options, RULE)
  const { all, user, realm } = values
  const [address, ...rest] = positionals
  if (rest.length > 0 || all === (address !== undefined)) throw new UsageError(RULE)
  if (all ? user !== undefined || realm !== undefined : (user === undefined) !== (realm === undefined)) {
    throw new UsageError(`--user and --realm belong together, and to an ADDRESS: ${RULE}`)
  }
  if (address === undefined) return liftAll
  const source = readSource(address)
  if (user === undefined || realm === undefined) {
    return (redis, print) => liftSource(source, redis, print)
  }
  return (redis, print) => liftPair({ source, username: user, realm: normalizeRealm(realm) }, redis, print)
}

/** An address in any spelling, or a /64 as the list shows it: the source that it counts as. */
function readSource(address: string): string {
  const source = toSource(address.replace(/\/64$/, ''))
  if (source === undefined || (address.endsWith('/64') && !source.endsWith('/64'))) {
    throw new UsageError(`${JSON.stringify(address)} is no IP address: ${RULE}`)
  }
  return source
}

/** Prints the bans that run, those that end first at the top. */
async function list(json: boolean, redis: RedisClient, print: CommandContext['print']): Promise<number> {
  const now = Date.now()
  const bans: ListedBan[] = []
  for await (const ban of listBans(redis)) bans.push(ban)
  bans.sort((one, other) => one.ban.untilMs - other.ban.untilMs)
  for (const ban of bans) print(json ? `${JSON.stringify(toJson(ban, now))}\n` : toColumns(ban, now))
  if (!json) print(`${count(bans.length)}\n`)
  return 0
}

function toJson({ subject, ban }: ListedBan, now: number): Record<string, unknown> {
  const { source, realm = null, username = null } = readSubject(subject)
  const until = new Date(ban.untilMs).toISOString()
  return { source, realm, username, kind: ban.kind, until, seconds_left: secondsLeft(ban, now), bans: ban.count }
}

function toColumns({ subject, ban }: ListedBan, now: number): string {
  const { source, realm, username } = readSubject(subject)
  // Names that nobody can have share one subject without a name.
  const who = realm === undefined ? [] : [`user=${username || '-'}`, `realm=${realm || '-'}`]
  const columns = [source, `kind=${ban.kind}`, `ends=${secondsLeft(ban, now)}s`, `bans=${ban.count}`, ...who]
  return `${escapeUnprintable(columns.join(' '))}\n`
}

function secondsLeft({ untilMs }: ListedBan['ban'], now: number): number {
  return Math.max(0, Math.ceil((untilMs - now) / 1000))
}

/** Lets everybody try again; nobody banned is no failure. */
async function liftAll(redis: RedisClient, print: CommandContext['print']): Promise<number> {
  const lifted = await liftWhere(() => true, redis)
  print(lifted > 0 ? report(lifted) : `nobody is banned; ${FORGOTTEN}\n`)
  return 0
}

async function liftSource(source: string, redis: RedisClient, print: CommandContext['print']): Promise<number> {
  const lifted = await liftWhere((subject) => readSubject(subject).source === source, redis)
  print(lifted > 0 ? report(lifted) : `neither ${source} nor anybody behind it is banned; ${FORGOTTEN}\n`)
  return lifted > 0 ? 0 : 1
}

async function liftPair(
  { source, username, realm }: { readonly source: string; readonly username: string; readonly realm: string },
  redis: RedisClient,
  print: CommandContext['print'],
): Promise<number> {
  const subjects = createSubjects()({ realm, username, sourceIp: source.replace(/\/64$/, '') })
  if (subjects === undefined) throw new UsageError(RULE)
  const lifted = await liftBan(redis, subjects.pair)
  const who = escapeUnprintable(`user=${username} realm=${realm}`)
  print(lifted ? report(1) : `${who} is not banned from ${source}; ${FORGOTTEN}\n`)
  for await (const { subject, ban } of listBans(redis)) {
    if (subject === source) print(`${source} itself stays banned for ${secondsLeft(ban, Date.now())}s, for all users\n`)
  }
  return lifted ? 0 : 1
}

/** How many bans were lifted. */
async function liftWhere(isWanted: (subject: string) => boolean, redis: RedisClient): Promise<number> {
  let lifted = 0
  for (const subject of await findSubjects(redis, isWanted)) if (await liftBan(redis, subject)) lifted++
  return lifted
}

const FORGOTTEN = 'failures, if there were any, are forgotten'

function report(lifted: number): string {
  return `${count(lifted)} lifted, and the failures forgotten\n`
}

function count(bans: number): string {
  return bans === 1 ? '1 ban' : `${bans} bans`
}
