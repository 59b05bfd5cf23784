import type { Companion } from '../auth/companion.js'
import type { Admission } from '../auth/verdict.js'
import type {
  AddressOfRecord,
  Binding,
  Bindings,
  BindingsChange,
  BindingsOutcome,
  ContactChange,
  PreparedChange,
} from './bindings.js'
import type { Contact, SipRequest } from './message.js'
import type { Reply } from './reply.js'
import type { Subject } from './subject.js'
import { comparableUri, parseUri } from './uri.js'

/** Seconds that a binding lasts: the shortest and longest granted, and what counts where nothing proper is asked. */
export const EXPIRES_SECONDS = { least: 60, most: 7200, unasked: 3600 } as const

/** What a registrar needs; `now` is in milliseconds. */
export type RegisterDeps = { readonly bindings: Bindings; readonly now: () => number }

const Q_VALUE = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/

/** A REGISTER on its way: what it changes is worked out before its nonce count is spent, and made with that or after. */
export type Registration = {
  /** What to store with the nonce count of a request that is let in so. */
  companion(admission: Admission): Companion | undefined
  /** Answers the request that was let in. Rejects where the bindings cannot be reached. */
  answer(admission: Admission): Reply | Promise<Reply>
}

/**
 * Answers a REGISTER, RFC 3261 section 10.3 from step 4 on. Only the credential's own address of record may be
 * registered: its user at its realm or at the SIP domain that was asked for, which lead to the same bindings. `to` is
 * the address in To.
 */
export function createRegistration({ bindings, now }: RegisterDeps, request: SipRequest, to: Subject): Registration {
  let known: { readonly admission: Admission; readonly wanted: Wanted | Reply } | undefined
  let prepared: PreparedChange | undefined

  /** Once for the admission that is asked about and then given. */
  const read = (admission: Admission): Wanted | Reply => {
    if (known?.admission !== admission) known = { admission, wanted: readWanted(request, admission, to) }
    return known.wanted
  }

  async function update({ address, change }: Wanted): Promise<Reply> {
    if (change.contacts.length === 0) return registered(await bindings.list(address), now())
    return toReply(await bindings.update(address, change), now())
  }

  return {
    companion(admission) {
      const asked = read(admission)
      if ('status' in asked || asked.change.contacts.length === 0) return undefined
      prepared = bindings.prepare?.(asked.address, asked.change)
      return prepared?.companion
    },
    answer(admission) {
      const asked = read(admission)
      if ('status' in asked) return asked
      const outcome = prepared?.outcome()
      return outcome ? toReply(outcome, now()) : update(asked)
    },
  }
}

/** What a REGISTER asks, and whose bindings it changes; no contacts where it only asks what is bound. */
type Wanted = { readonly address: AddressOfRecord; readonly change: BindingsChange }

function readWanted(request: SipRequest, { realm, domain, credential }: Admission, to: Subject): Wanted | Reply {
  if (to.domain !== realm && to.domain !== domain?.name) return { status: 404 }
  if (credential === undefined || to.identity !== credential.username) return { status: 403 }
  const changes = readChanges(request)
  if ('status' in changes) return changes
  const { callId, cseq } = request
  return { address: { realm, username: credential.username }, change: { callId, cseq, contacts: changes.contacts } }
}

function toReply(result: BindingsOutcome, time: number): Reply {
  return result.outcome === 'done' ? registered(result.bindings, time) : REFUSED[result.outcome]
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
