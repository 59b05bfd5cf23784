import { type Static, Type } from 'typebox'
import { Refusal, type RefusalCode } from '../../errors.js'
import type { Failure, FailureAnswer } from '../failure.js'
import { FAULTS, type FaultCode } from '../fault.js'

/** Twilio's code of each fault (https://www.twilio.com/docs/api/errors); where it has none, 20000 and the status. */
const FAULT_CODES: Readonly<Record<FaultCode, number>> = {
  malformed: 20001,
  unauthenticated: 20003,
  account_inactive: 20005,
  forbidden: 20006,
  not_found: 20404,
  method_not_allowed: 20004,
  timeout: 20408,
  too_large: 20413,
  unsupported_media_type: 20415,
  expectation_failed: 20417,
  too_many_requests: 20429,
  headers_too_large: 20431,
  internal: 20500,
  unavailable: 20503,
}

/** Twilio's code of each refused write; `invalid` is for each resource to say. */
const REFUSAL_CODES: Readonly<Record<Exclude<RefusalCode, 'not_found' | 'unknown_reference' | 'invalid'>, number>> = {
  friendly_name_taken: 21240,
  realm_taken: 21240,
  realm_fixed: 21240,
  too_many_lists: 21239,
  username_taken: 21243,
  too_many_credentials: 21242,
  list_in_use: 21241,
  domain_taken: 21232,
  has_subdomains: 21233,
  too_many_domains: 21230,
  too_many_ip_lists: 21255,
  ip_list_in_use: 21236,
  too_many_ip_addresses: 21237,
}

/** A broken rule for which Twilio has a code of its own, other than the resource's. */
export class CodedRefusal extends Refusal {
  constructor(
    readonly twilioCode: number,
    field: string,
    rule: string,
  ) {
    super('invalid', field, rule)
  }
}

/** Twilio's code of a validation error where no resource is asked yet, or it has none of its own. */
export const INVALID_PARAMETER = FAULT_CODES.malformed

/** Body of every failure. */
export const FailureBody = Type.Object({
  code: Type.Integer({ description: "Twilio's error code (https://www.twilio.com/docs/api/errors)." }),
  message: Type.String(),
  more_info: Type.String(),
  status: Type.Integer({ description: 'The HTTP status.' }),
})

/**
 * Twilio's answer to a failed request: `{code, message, more_info, status}`. `path` is the request's, without its query;
 * `invalid` is the resource's code of a validation error.
 */
export function answerTwilioFailure(failure: Failure, path: string, invalid = INVALID_PARAMETER): FailureAnswer {
  if (failure.code === 'not_found') {
    return answer(404, FAULT_CODES.not_found, `The requested resource ${path} was not found`)
  }
  if (failure.code === 'unknown_reference') return answer(404, FAULT_CODES.not_found, failure.message)
  if (failure instanceof Refusal) return answer(400, refusalCode(failure, invalid), failure.message)
  const status = FAULTS[failure.code]
  const headers = status === 401 ? { 'www-authenticate': 'Basic realm="sipauthd", charset="UTF-8"' } : failure.headers
  return answer(status, FAULT_CODES[failure.code], failure.message, headers)
}

function refusalCode(refusal: Refusal, invalid: number): number {
  if (refusal instanceof CodedRefusal) return refusal.twilioCode
  if (refusal.code === 'invalid' || refusal.code === 'not_found' || refusal.code === 'unknown_reference') return invalid
  return REFUSAL_CODES[refusal.code]
}

function answer(status: number, code: number, message: string, headers: FailureAnswer['headers'] = {}): FailureAnswer {
  const more_info = `https://www.twilio.com/docs/errors/${code}`
  const body: Static<typeof FailureBody> = { code, message, more_info, status }
  return { status, headers, body }
}
