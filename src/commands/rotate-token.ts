import { rotateKeptMasterToken } from '../secrets.js'
import { createToken, isSid } from '../sid.js'
import { UsageError } from './command.js'
import { DURATION_RULE, parseDuration } from './duration.js'
import { readOptions } from './options.js'
import type { Tools } from './tools.js'

const OVERLAP_MAX_SECONDS = 90 * 86_400

/** What to do where the master's token is set by hand. */
const BY_HAND =
  "the master's token is configuration: put the new one first (MASTER_AUTH_TOKEN=new,old) and start every server " +
  'anew; both are good until the old one is taken out'

/**
 * `account rotate-token SID [--overlap 24h]`: prints the account's new token, once. The one before stays good for the
 * overlap; 0 ends it at once.
 */
export function rotateToken(args: readonly string[]): (tools: Tools) => Promise<number> {
  const { sid, overlapSeconds } = readArguments(args)
  return async (tools) => {
    if (sid === tools.masterSid) return rotateMaster(tools, overlapSeconds)
    const { token, previousUntil } = await tools.provision.accounts.rotateToken(sid, overlapSeconds)
    tools.print(`${JSON.stringify({ sid, auth_token: token, previous_token_until: previousUntil ?? null })}\n`)
    return 0
  }
}

/** Only where the program keeps the master's token itself: in a file that servers read when they start. */
async function rotateMaster({ print, log, provision, loaded, masterSid }: Tools, overlapSeconds: number) {
  const { kept, path } = loaded
  if (!kept.includes('MASTER_AUTH_TOKEN')) throw new UsageError(BY_HAND)
  const token = createToken()
  const keepPrevious = overlapSeconds > 0
  await provision.accounts.rotateMasterToken(masterSid, () => rotateKeptMasterToken(path, token, keepPrevious))
  print(`${JSON.stringify({ sid: masterSid, auth_token: token, kept_in: path })}\n`)
  const previous = keepPrevious ? 'the one before is good until it is taken out of the file' : 'the one before is not'
  log.warn({ path }, `servers take the new token when they start; ${previous}`)
  return 0
}

function readArguments(args: readonly string[]): { sid: string; overlapSeconds: number } {
  const rule = `sipauthd account rotate-token takes an account SID, and --overlap with ${DURATION_RULE}, 90d at most`
  const options = { overlap: { type: 'string', default: '24h' } } as const
  const { values, positionals } = readOptions({ args: [...args], options, allowPositionals: true }, rule)
  const [sid = '', ...rest] = positionals
  const overlapSeconds = parseDuration(values.overlap)
  const isRange = overlapSeconds !== undefined && overlapSeconds <= OVERLAP_MAX_SECONDS
  if (!isSid('account', sid) || rest.length > 0 || !isRange) throw new UsageError(rule)
  return { sid, overlapSeconds }
}
