import { equalInConstantTime } from '../digest/equal.js'
import { computeResponse } from '../digest/response.js'
import type { AuthRequest } from './auth-request.js'
import type { Claim } from './claim.js'
import type { CredentialSource, Ha1Record, Origin } from './credential-source.js'
import type { Decoy } from './decoy.js'
import { findCredential } from './find-credential.js'

/** What became of a claim: the credential that it names, where there is one, and whether the response is its. */
export type Checked =
  | { readonly origin: Origin; readonly record: Ha1Record | undefined; readonly right: boolean }
  | { readonly origin: 'unavailable' }

/** Finds the credential and compares; what the mirror alone says is only refused while the mirror is complete. */
export function createResponseCheck({ source, decoy }: { readonly source: CredentialSource; readonly decoy: Decoy }) {
  return async (request: AuthRequest, claim: Claim): Promise<Checked> => {
    const { authorization, realm } = claim
    const found = await findCredential(authorization, realm, source.findHa1)
    if (found.origin === 'unavailable') return found
    const right = isRight(request, claim, found.value, decoy)
    if (right || found.origin === 'database' || (await source.isMirrorComplete())) {
      return { origin: found.origin, record: found.value, right }
    }
    const truth = await findCredential(authorization, realm, source.findHa1InDatabase)
    if (truth.origin === 'unavailable') return truth
    return { origin: truth.origin, record: truth.value, right: isRight(request, claim, truth.value, decoy) }
  }
}

/**
 * Whether the response is the record's. A wrong password, an unknown user and a credential without the HA1 cost the
 * same: one response and one decoy each, so that their times tell nothing; a right password needs no decoy.
 */
function isRight(
  { method, body }: AuthRequest,
  { authorization, realm }: Claim,
  record: Ha1Record | undefined,
  decoy: Decoy,
): boolean {
  const { algorithm, session, nonce, uri, qop, nc, cnonce, username } = authorization
  const matches = (ha1: string) => {
    const expected = computeResponse({ algorithm, session, ha1, nonce, method, uri, qop, nc: nc?.text, cnonce, body })
    return equalInConstantTime(expected, authorization.response)
  }
  if (record?.ha1 !== undefined && matches(record.ha1)) return true
  const ha1 = decoy(algorithm, realm, username)
  if (record?.ha1 === undefined) matches(ha1)
  return false
}
