import { Type } from 'typebox'
import { Refusal, type RefusalCode } from '../../errors.js'
import type { Failure, FailureAnswer } from '../failure.js'
import { FAULTS } from '../fault.js'

/** What a failed request is answered with; `code` is the HTTP status. */
export const FailureBody = Type.Object({ error: Type.String(), code: Type.Integer() })

/** The code of a validation error. */
export const INVALID = 422

/** The code of a write that does not go together with what there is. */
export const CONFLICT = 409

/** The code of each refused write that is no conflict (https://docs.vobiz.ai/errors). */
const REFUSALS: Readonly<Partial<Record<RefusalCode, number>>> = { not_found: 404, invalid: INVALID }

/** What is said in words of this dialect's own. */
const MESSAGES: Readonly<Partial<Record<Failure['code'], string>>> = {
  username_taken: 'Username already exists',
  unauthenticated: 'X-Auth-ID and X-Auth-Token must be those of this account or of the one above it',
}

/** The fault of a credential that the account does not have; a refused write of one says the same. */
export const CREDENTIAL_NOT_FOUND = 'Credential not found'

/** Vobiz's answer to a failed request: `{error, code}`, the code being the HTTP status. */
export function answerVobizFailure(failure: Failure): FailureAnswer {
  const message = MESSAGES[failure.code]
  if (failure instanceof Refusal) {
    const gone = failure.code === 'not_found' ? CREDENTIAL_NOT_FOUND : undefined
    return answer(REFUSALS[failure.code] ?? CONFLICT, message ?? gone ?? failure.message)
  }
  const status = FAULTS[failure.code]
  // A challenge belongs to each 401 (RFC 9110 section 15.5.2); this one has no registered scheme's name.
  const headers = status === 401 ? { 'www-authenticate': 'X-Auth-Token realm="sipauthd"' } : failure.headers
  return answer(status, message ?? failure.message, headers)
}

function answer(code: number, error: string, headers: FailureAnswer['headers'] = {}): FailureAnswer {
  return { status: code, headers, body: { error, code } }
}
