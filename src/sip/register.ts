import type { Admission } from '../auth/verdict.js'
import type { Binding, Bindings, ContactChange } from './bindings.js'
import type { Contact, SipRequest } from './message.js'
import type { Reply } from './reply.js'
import type { Subject } from './subject.js'
import { comparableUri, parseUri } from './uri.js'

/** Seconds that a binding lasts: the shortest and longest granted, and what counts where nothing proper is asked. */
export const EXPIRES_SECONDS = { least: 60, most: 7200, unasked: 3600 } as const

/** What a registrar needs; `now` is in milliseconds. */
export type RegisterDeps = { readonly bindings: Bindings; readonly now: () => number }

const Q_VALUE = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/

/**
 * Answers a REGISTER that was let in, RFC 3261 section 10.3 from step 4 on. Only the credential's own address of record
 * may be registered: its user at its realm or at the SIP domain that was asked for, which lead to the same bindings.
 * `to` is the address in To. Rejects where the bindings cannot be reached.
 */
export async function register(
  { bindings, now }: RegisterDeps,
  request: SipRequest,
  { realm, domain, credential }: Admission,
  to: Subject,
): Promise<Reply> {
  if (to.domain !== realm && to.domain !== domain?.name) return { status: 404 }
  if (credential === undefined || to.identity !== credential.username) return { status: 403 }
  const address = { realm, username: credential.username }
  const changes = readChanges(request)
  if ('status' in changes) return changes
  const { callId, cseq } = request
  if (changes.contacts.length === 0) return registered(await bindings.list(address), now())
  const result = await bindings.update(address, { callId, cseq, contacts: changes.contacts })
  if (result.outcome === 'done') return registered(result.bindings, now())
  return REFUSED[result.outcome]
}

/** A change that was not made, to the phone. */
const REFUSED = {
  out_of_order: { status: 500, reason: 'CSeq Out Of Order' },
  too_many: { status: 403, reason: 'Too Many Bindings' },
} as const satisfies Record<string, Reply>

function readChanges({ contacts, expires }: SipRequest): { contacts: readonly ContactChange[] | '*' } | Reply {
  if (contacts === '*') {
    const removal = expires !== undefined && /^0{1,10}$/.test(expires)
    return removal ? { contacts } : { status: 400, reason: 'Contact * Needs Expires: 0' }
  }
  const changes: ContactChange[] = []
  for (const contact of contacts) {
    const change = readChange(contact, expires)
    if ('status' in change) return change
    changes.push(change)
  }
  return { contacts: changes }
}

function readChange({ uri, expires, q }: Contact, headerExpires: string | undefined): ContactChange | Reply {
  const parsed = parseUri(uri)
  if (parsed === undefined) return { status: 400, reason: 'Contact Is No SIP URI' }
  const asked = readExpires(expires ?? headerExpires)
  if (asked > 0 && asked < EXPIRES_SECONDS.least) {
    return { status: 423, headers: { 'min-expires': `${EXPIRES_SECONDS.least}` } }
  }
  return {
    uri,
    key: comparableUri(parsed),
    q: q !== undefined && Q_VALUE.test(q) ? Number(q) : undefined,
    expiresSeconds: Math.min(asked, EXPIRES_SECONDS.most),
  }
}

/** What is no number counts as not asked, RFC 3261 section 10.2.1.1. */
function readExpires(text: string | undefined): number {
  return text !== undefined && /^\d{1,32}$/.test(text) ? Number(text) : EXPIRES_SECONDS.unasked
}

/** 200 with every current contact and the seconds that it has left, RFC 3261 section 10.3 step 8. */
function registered(bindings: readonly Binding[], time: number): Reply {
  if (bindings.length === 0) return { status: 200 }
  const contacts = bindings.map(({ uri, q, expiresAt }) => {
    const preference = q === undefined ? '' : `;q=${q}`
    return `<${uri}>;expires=${Math.ceil((expiresAt - time) / 1000)}${preference}`
  })
  return { status: 200, headers: { contact: contacts.join(', ') } }
}
