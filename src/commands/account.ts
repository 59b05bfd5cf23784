import { isSid } from '../sid.js'
import { ACCOUNT_STATUSES, type Account, type AccountStatus, listAccounts } from '../store/accounts.js'
import { type CommandContext, UsageError } from './command.js'
import { rotateToken } from './rotate-token.js'
import { type Tools, withTools } from './tools.js'

const PAGE = 1_000

/** Reads an action's words, before anything is opened; the answer does its work. */
type Action = (args: readonly string[]) => (tools: Tools) => Promise<number>

const ACTIONS: Readonly<Record<string, Action>> = {
  create,
  list,
  suspend: setStatus('suspend', 'suspended'),
  activate: setStatus('activate', 'active'),
  close: setStatus('close', 'closed'),
  'rotate-token': rotateToken,
}

/** `sipauthd account …`: the accounts below the master, without the management API. */
export async function runAccount(context: CommandContext): Promise<number> {
  const [name = '', ...args] = context.args
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
  if (!action) throw new UsageError(`sipauthd account takes one of ${Object.keys(ACTIONS).join(', ')}`)
  return withTools(context, action(args))
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

/** `account suspend|activate|close SID`: what is not active authenticates nowhere. */
function setStatus(name: string, status: AccountStatus): Action {
  return (args) => {
    const [sid = '', ...rest] = args
    if (!isSid('account', sid) || rest.length > 0) throw new UsageError(`sipauthd account ${name} takes an account SID`)
    return async ({ print, provision, sweeper }) => {
      const account = await provision.accounts.update(sid, { status })
      // No server may be running that would do the rest.
      await sweeper?.finish()
      print(`${JSON.stringify(show(account))}\n`)
      return 0
    }
  }
}

function show({ sid, authId, friendlyName, status, realm, createdAt }: Account): Record<string, unknown> {
  return { sid, auth_id: authId, friendly_name: friendlyName, status, realm, created_at: createdAt }
}
