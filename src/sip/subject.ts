import type { SipRequest } from './message.js'
import type { Reply } from './reply.js'
import { parseUri } from './uri.js'

/**
 * For whom a request asks to be let in: the host that names a SIP domain or is the realm itself, and the user that the
 * digest must be of.
 */
export type Subject = { readonly domain: string; readonly identity: string }

/**
 * A REGISTER is for the address of record in To, so that nobody registers another's; any other request is for the
 * domain in the Request-URI and comes from the user in From. A From without a SIP user is challenged like any other,
 * and is nobody's: no digest's user has an empty name. The reply says why there is no subject.
 *
 * RFC 3261 section 10.3 steps 1 and 5 would have a registrar refuse a REGISTER whose Request-URI names another domain
 * than To. It is let pass here, since phones write the registrar's own name or IP address there as often as the domain
 * (section 10.2). Nobody gains by it: the password asked for is that of To's realm or SIP domain, the digest covers the
 * Request-URI, and nothing is bound but the address of record in To.
 */
export function readSubject(request: SipRequest): Subject | Reply {
  const target = parseUri(request.uri)
  if (target === undefined) return /^sips?:/i.test(request.uri) ? BAD_URI : { status: 416 }
  if (request.method === 'REGISTER') {
    const to = parseUri(request.toUri)
    if (to?.user === undefined) return { status: 400, reason: 'To Names No SIP User' }
    return { domain: to.host, identity: to.user }
  }
  return { domain: target.host, identity: parseUri(request.fromUri)?.user ?? '' }
}

const BAD_URI = { status: 400, reason: 'Bad Request-URI' } as const satisfies Reply
