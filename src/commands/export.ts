import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { exportCsv } from '../bulk/exporter.js'
import { Refusal } from '../errors.js'
import { isSid } from '../sid.js'
import { findAccount } from '../store/accounts.js'
import { findCredentialList, findCredentialListNamed } from '../store/credential-lists.js'
import { type CommandContext, UsageError } from './command.js'
import { readOptions } from './options.js'
import { type Tools, withTools } from './tools.js'

const RULE = 'sipauthd export takes --account with a SID, --list with a SID or a name, and --output with a file'

const OPTIONS = { account: { type: 'string' }, list: { type: 'string' }, output: { type: 'string' } } as const

/**
 * `sipauthd export`: every credential as CSV with its HA1s, to standard output or into a new file that only its owner
 * can read. Whoever has an HA1 can log in with it (RFC 7616 section 5.2).
 */
export async function runExport(context: CommandContext): Promise<number> {
  const { account, list, output } = readOptions({ args: [...context.args], options: OPTIONS }, RULE).values
  if (account !== undefined && !isSid('account', account)) throw new UsageError(RULE)
  return withTools(context, async ({ database, masterSid }) => {
    const listSid = list === undefined ? undefined : await findListSid(database, account ?? masterSid, list)
    if (account !== undefined && !(await findAccount(database.pool, account))) {
      throw new Refusal('not_found', '--account', 'names no account')
    }
    const csv = exportCsv(database.pool, { accountSid: account, listSid })
    if (output === undefined) await pipeline(csv, process.stdout, { end: false }).catch(unlessEnough)
    else await pipeline(csv, await createFile(output))
    return 0
  })
}

async function findListSid({ pool }: Tools['database'], accountSid: string, list: string): Promise<string> {
  const find = isSid('credentialList', list) ? findCredentialList : findCredentialListNamed
  const found = await find(pool, accountSid, list)
  if (!found) throw new Refusal('not_found', '--list', 'names no credential list of the account')
  return found.sid
}

/** Whoever reads may have had enough, as `head` has, and that is no failure. */
function unlessEnough(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

/** A file that is there already may be open to others, so it is not written over. */
async function createFile(path: string) {
  const file = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`--output names a file that cannot be created: ${error.code}`)
  })
  return file.createWriteStream()
}
