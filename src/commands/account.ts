import { parseArgs } from 'node:util'
import { createMetrics } from '../metrics.js'
import { createMemoryMirror } from '../mirror/memory-mirror.js'
import { createRedisMirror } from '../mirror/redis-mirror.js'
import { createProvision, type Provision } from '../provision.js'
import { createRelay } from '../relay.js'
import { loadSecrets } from '../secrets.js'
import { isSid } from '../sid.js'
import { type Account, listAccounts } from '../store/accounts.js'
import type { Database } from '../store/database.js'
import { migrateWhenUp, openDatabase, openRedis } from '../stores.js'
import { createTruth } from '../truth.js'
import { type CommandContext, UsageError } from './command.js'

type Tools = {
  readonly context: CommandContext
  readonly database: Database
  readonly provision: Provision
  readonly masterSid: string
}

const PAGE = 1_000

const ACTIONS = { create, list, suspend } as const

/** `sipauthd account create|list|suspend`: the accounts below the master, without the management API. */
export async function runAccount(context: CommandContext): Promise<number> {
  const [action = '', ...args] = context.args
  if (!Object.hasOwn(ACTIONS, action)) {
    throw new UsageError(`sipauthd account takes one of ${Object.keys(ACTIONS).join(', ')}`)
  }
  return withTools({ ...context, args }, ACTIONS[action as keyof typeof ACTIONS])
}

async function withTools(context: CommandContext, work: (tools: Tools) => Promise<number>): Promise<number> {
  const { config, log } = context
  const database = await openDatabase(config, log)
  const { secrets } = await loadSecrets(config)
  await migrateWhenUp(database, log, Date.now)
  const redis = await openRedis(config, log)
  try {
    const { pool } = database
    const mirror = redis ? createRedisMirror(redis) : createMemoryMirror()
    const relay = createRelay({ pool, mirror, truth: createTruth(pool), metrics: createMetrics(), log })
    const provision = createProvision({ pool, publisher: relay, sipDomain: config.SIP_DOMAIN })
    await provision.accounts.ensureMaster(secrets.masterAccountSid)
    const code = await work({ context, database, provision, masterSid: secrets.masterAccountSid })
    await relay.close()
    return code
  } finally {
    redis?.disconnect()
    await database.close()
  }
}

/** `account create NAME`: prints the new account with its token, once. */
async function create({ context, provision, masterSid }: Tools): Promise<number> {
  const friendlyName = context.args.join(' ')
  if (friendlyName.length < 1 || friendlyName.length > 64) {
    throw new UsageError('sipauthd account create takes a name of 1 to 64 characters')
  }
  const { account, token } = await provision.accounts.create(masterSid, friendlyName)
  context.print(`${JSON.stringify({ ...show(account), auth_token: token })}\n`)
  return 0
}

/** `account list [--status active|suspended|closed]`: one account a line, as JSON, newest first. */
async function list({ context, database, masterSid }: Tools): Promise<number> {
  const { values } = parseArgs({ args: [...context.args], options: { status: { type: 'string' } } })
  const { status } = values
  if (status !== undefined && status !== 'active' && status !== 'suspended' && status !== 'closed') {
    throw new UsageError('--status must be active, suspended or closed')
  }
  for (let after: string | undefined; ; ) {
    const position =
      after === undefined ? ({ kind: 'offset', rows: 0 } as const) : ({ kind: 'after', seq: after } as const)
    const page = await listAccounts(database.pool, masterSid, { status }, position, PAGE)
    for (const account of page.rows) context.print(`${JSON.stringify(show(account))}\n`)
    if (!page.hasNext) return 0
    after = page.rows.at(-1)?.seq
  }
}

/** `account suspend SID`: its credentials authenticate nowhere until it is active again. */
async function suspend({ context, provision }: Tools): Promise<number> {
  const [sid = '', ...rest] = context.args
  if (!isSid('account', sid) || rest.length > 0) throw new UsageError('sipauthd account suspend takes an account SID')
  const account = await provision.accounts.update(sid, { status: 'suspended' })
  context.print(`${JSON.stringify(show(account))}\n`)
  return 0
}

function show({ sid, authId, friendlyName, status, realm, createdAt }: Account): Record<string, unknown> {
  return { sid, auth_id: authId, friendly_name: friendlyName, status, realm, created_at: createdAt }
}
