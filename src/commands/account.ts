import type pg from 'pg'
import type { Log } from '../log.js'
import { createMetrics } from '../metrics.js'
import { createRedisMirror } from '../mirror/redis-mirror.js'
import type { Publisher } from '../provision/publisher.js'
import { createProvision, type Provision } from '../provision.js'
import type { RedisClient } from '../redis/client.js'
import { createRelay } from '../relay.js'
import { loadSecrets } from '../secrets.js'
import { isSid } from '../sid.js'
import { ACCOUNT_STATUSES, type Account, type AccountStatus, listAccounts } from '../store/accounts.js'
import type { Database } from '../store/database.js'
import { migrateWhenUp, openDatabase, openRedis } from '../stores.js'
import { createTruth } from '../truth.js'
import { type CommandContext, UsageError } from './command.js'

type Tools = {
  readonly print: CommandContext['print']
  readonly database: Database
  readonly provision: Provision
  readonly masterSid: string
}

const PAGE = 1_000

/** Reads an action's words, before anything is opened; the answer does its work. */
type Action = (args: readonly string[]) => (tools: Tools) => Promise<number>

const ACTIONS: Readonly<Record<string, Action>> = { create, list, suspend }

/** `sipauthd account create|list|suspend`: the accounts below the master, without the management API. */
export async function runAccount(context: CommandContext): Promise<number> {
  const [name = '', ...args] = context.args
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
  if (!action) throw new UsageError(`sipauthd account takes one of ${Object.keys(ACTIONS).join(', ')}`)
  return withTools(context, action(args))
}

async function withTools(context: CommandContext, work: (tools: Tools) => Promise<number>): Promise<number> {
  const { config, log } = context
  const database = await openDatabase(config, log)
  let redis: RedisClient | undefined
  try {
    const { secrets, generated, path } = await loadSecrets(config)
    if (generated.length > 0) log.info({ path, names: generated.map(({ name }) => name) }, 'secrets generated and kept')
    await migrateWhenUp(database, log, Date.now)
    redis = await openRedis(config, log)
    const { pool } = database
    // Without Redis there is no mirror here to bring changes into: the outbox keeps them for the servers.
    const publisher = redis ? createCommandRelay(pool, redis, log) : { publish: async () => {} }
    const provision = createProvision({ pool, publisher, sipDomain: config.SIP_DOMAIN })
    await provision.accounts.ensureMaster(secrets.masterAccountSid)
    return await work({ print: context.print, database, provision, masterSid: secrets.masterAccountSid })
  } finally {
    redis?.disconnect()
    await database.close()
  }
}

/** Publishes this command's own changes; it is never started, so that it takes nobody else's. */
function createCommandRelay(pool: pg.Pool, redis: RedisClient, log: Log): Publisher {
  const mirror = createRedisMirror(redis)
  return createRelay({ pool, mirror, truth: createTruth(pool), metrics: createMetrics(), log })
}

/** `account create NAME`: prints the new account with its token, once. */
function create(args: readonly string[]) {
  const friendlyName = args.join(' ')
  if (friendlyName.length < 1 || friendlyName.length > 64) {
    throw new UsageError('sipauthd account create takes a name of 1 to 64 characters')
  }
  return async ({ print, provision, masterSid }: Tools) => {
    const { account, token } = await provision.accounts.create(masterSid, friendlyName)
    print(`${JSON.stringify({ ...show(account), auth_token: token })}\n`)
    return 0
  }
}

/** `account list [--status active|suspended|closed]`: one account a line, as JSON, newest first. */
function list(args: readonly string[]) {
  const status = readStatus(args)
  return async ({ print, database, masterSid }: Tools) => {
    for (let after: string | undefined; ; ) {
      const position =
        after === undefined ? ({ kind: 'offset', rows: 0 } as const) : ({ kind: 'after', seq: after } as const)
      const page = await listAccounts(database.pool, masterSid, { status }, position, PAGE)
      for (const account of page.rows) print(`${JSON.stringify(show(account))}\n`)
      if (!page.hasNext) return 0
      after = page.rows.at(-1)?.seq
    }
  }
}

function readStatus(args: readonly string[]): AccountStatus | undefined {
  if (args.length === 0) return undefined
  const [option, value, ...rest] = args.flatMap((word) => word.split(/(?<=^--status)=/))
  const status = ACCOUNT_STATUSES.find((known) => known === value)
  if (option !== '--status' || status === undefined || rest.length > 0) {
    throw new UsageError(`sipauthd account list takes --status and one of ${ACCOUNT_STATUSES.join(', ')}, or nothing`)
  }
  return status
}

/** `account suspend SID`: its credentials authenticate nowhere until it is active again. */
function suspend(args: readonly string[]) {
  const [sid = '', ...rest] = args
  if (!isSid('account', sid) || rest.length > 0) throw new UsageError('sipauthd account suspend takes an account SID')
  return async ({ print, provision }: Tools) => {
    const account = await provision.accounts.update(sid, { status: 'suspended' })
    print(`${JSON.stringify(show(account))}\n`)
    return 0
  }
}

function show({ sid, authId, friendlyName, status, realm, createdAt }: Account): Record<string, unknown> {
  return { sid, auth_id: authId, friendly_name: friendlyName, status, realm, created_at: createdAt }
}
