import type { Admission } from '../auth/verdict.js'
import type { Binding, Bindings } from './bindings.js'
import type { SipRequest } from './message.js'
import type { Reply } from './reply.js'
import { parseUri } from './uri.js'

/** What a redirect server needs. */
export type RedirectDeps = { readonly bindings: Bindings; readonly nextHop: string | undefined }

/**
 * Answers a request that was let in, other than REGISTER: 302 to where the callee is (RFC 3261 section 8.3), the most
 * preferred first, or to the next hop; 404 where there is neither. The caller was let in to the realm that the
 * Request-URI's host names, itself or as a SIP domain, so that is the callee's too. Rejects where the bindings cannot be
 * reached.
 */
export async function redirect(
  { bindings, nextHop }: RedirectDeps,
  request: SipRequest,
  { realm }: Admission,
): Promise<Reply> {
  const username = parseUri(request.uri)?.user
  const bound = username === undefined ? [] : await bindings.list({ realm, username })
  if (bound.length > 0) return { status: 302, headers: { contact: contacts(bound) } }
  return nextHop === undefined ? { status: 404 } : { status: 302, headers: { contact: `<${nextHop}>` } }
}

/** RFC 3261 section 20.10: a contact without q counts as 1. */
function contacts(bound: readonly Binding[]): string {
  const preferred = bound.toSorted((a, b) => (b.q ?? 1) - (a.q ?? 1))
  return preferred.map(({ uri, q }) => (q === undefined ? `<${uri}>` : `<${uri}>;q=${q}`)).join(', ')
}
