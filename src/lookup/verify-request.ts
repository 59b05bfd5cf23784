import type { AuthRequest } from '../auth/auth-request.js'
import { filled, flag, ParameterFault, type Parameters, single } from './parameters.js'

/** What `/v1/verify` is asked: the request to check, and whether a proxy's challenge is wanted. */
export type VerifyRequest = { readonly proxy: boolean; readonly request: AuthRequest }

/** How Kamailio spells what is not there. */
const NULL = '<null>'

/** Throws a `ParameterFault` for what is missing, repeated or of another form. */
export function readVerifyRequest(parameters: Parameters): VerifyRequest {
  return { proxy: flag(parameters, 'proxy'), request: toAuthRequest(parameters) }
}

function toAuthRequest(parameters: Parameters): AuthRequest {
  const method = filled(parameters, 'method')
  if (method === undefined) throw new ParameterFault('method must be given')
  const authorizations = (parameters.get('authorization') ?? []).filter((value) => value !== '' && value !== NULL)
  const realm = given(parameters, 'realm')
  const domain = given(parameters, 'domain')
  if (authorizations.length === 0 && realm === undefined && domain === undefined) {
    throw new ParameterFault('realm must be given where there is neither authorization nor domain')
  }
  const body = single(parameters, 'body')
  return {
    method,
    realm,
    domain,
    authorizations,
    uri: given(parameters, 'uri'),
    body: body === undefined ? undefined : Buffer.from(body, 'latin1'),
    // Given and empty is an address without a user part: nobody's.
    identity: single(parameters, 'identity'),
    sourceIp: given(parameters, 'source_ip'),
    userAgent: filled(parameters, 'user_agent'),
    callId: filled(parameters, 'call_id'),
  }
}

function given(parameters: Parameters, name: string): string | undefined {
  const value = filled(parameters, name)
  return value === NULL ? undefined : value
}
