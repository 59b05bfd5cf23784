import { ALGORITHMS, type HashAlgorithm } from '../digest/algorithm.js'
import { equalInConstantTime } from '../digest/equal.js'
import { computeResponse } from '../digest/response.js'
import type { AuthRequest } from './auth-request.js'
import type { Claim } from './claim.js'
import type { CredentialSource, Ha1Record, Known, Origin } from './credential-source.js'
import type { Decoy } from './decoy.js'
import { findCredential, peekCredential } from './find-credential.js'

/** What became of a claim: the credential that it names, where there is one, and whether the response is its. */
export type Checked =
  | { readonly origin: Origin; readonly record: Ha1Record | undefined; readonly right: boolean }
  | { readonly origin: 'unavailable' }

/** Finds credentials and compares responses. */
export type ResponseCheck = {
  /** The credential, where what is near says that the response is right; undefined says nothing. */
  peekRight(request: AuthRequest, claim: Claim): Ha1Record | undefined
  /** Asks the stores. What the mirror alone says is only refused while the mirror is complete. */
  find(request: AuthRequest, claim: Claim): Promise<Checked>
}

export function createResponseCheck(deps: { readonly source: CredentialSource; readonly decoy: Decoy }): ResponseCheck {
  const { source, decoy } = deps
  return {
    peekRight(request, claim) {
      const near = peekCredential(claim.authorization, claim.realm, source.near)
      return isNearRight(request, claim, near) && near ? near : undefined
    },

    async find(request, claim) {
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
    },
  }
}

/** Where nothing is near the same work is done, so that the time does not tell who was here lately. */
function isNearRight(request: AuthRequest, claim: Claim, near: Known<Ha1Record>): boolean {
  const right = matches(request, claim, near?.ha1 ?? NO_HA1[claim.authorization.algorithm])
  return right && near?.ha1 !== undefined
}

/** As long as those that are near, so that as much is hashed. */
const NO_HA1: Readonly<Record<HashAlgorithm, string>> = {
  MD5: '0'.repeat(ALGORITHMS.MD5.hexLength),
  'SHA-256': '0'.repeat(ALGORITHMS['SHA-256'].hexLength),
  'SHA-512-256': '0'.repeat(ALGORITHMS['SHA-512-256'].hexLength),
}

/**
 * Whether the response is the record's. A wrong password, an unknown user and a credential without the HA1 cost the
 * same: one response and one decoy each, so that their times tell nothing; a right password needs no decoy.
 */
function isRight(request: AuthRequest, claim: Claim, record: Ha1Record | undefined, decoy: Decoy): boolean {
  if (record?.ha1 !== undefined && matches(request, claim, record.ha1)) return true
  const { authorization, realm } = claim
  const ha1 = decoy(authorization.algorithm, realm, authorization.username)
  if (record?.ha1 === undefined) matches(request, claim, ha1)
  return false
}

function matches({ method, body }: AuthRequest, { authorization }: Claim, ha1: string): boolean {
  const { algorithm, session, nonce, uri, qop, nc, cnonce, response } = authorization
  const expected = computeResponse({ algorithm, session, ha1, nonce, method, uri, qop, nc: nc?.text, cnonce, body })
  return equalInConstantTime(expected, response)
}
