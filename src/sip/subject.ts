import type { SipRequest } from './message.js'
import type { Reply } from './reply.js'
import { parseUri } from './uri.js'

/** For whom a request asks to be let in: the host that decides the realm, and the user that the digest must be of. */
export type Subject = { readonly domain: string; readonly identity: string }

/**
 * A REGISTER is for the address of record in To, so that nobody registers another's; any other request is for the
 * domain in the Request-URI and comes from the user in From. The reply says why there is none of that.
 */
export function readSubject(request: SipRequest): Subject | Reply {
  const target = parseUri(request.uri)
  if (target === undefined) return /^sips?:/i.test(request.uri) ? BAD_URI : { status: 416 }
  if (request.method === 'REGISTER') {
    const to = parseUri(request.toUri)
    if (to?.user === undefined) return { status: 400, reason: 'To Names No SIP User' }
    return { domain: to.host, identity: to.user }
  }
  const from = parseUri(request.fromUri)
  if (from?.user === undefined) return { status: 403 }
  return { domain: target.host, identity: from.user }
}

const BAD_URI = { status: 400, reason: 'Bad Request-URI' } as const satisfies Reply
