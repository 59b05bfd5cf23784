import type { Known, NearReader } from '../auth/credential-source.js'
import type { RealmOffer } from '../realm-offer.js'
import type { Invalidations } from '../redis/invalidations.js'
import { createNearKeeper, type Near, type Ticket } from '../redis/near-keeper.js'
import type { SipDomain } from '../sip-domain.js'
import { type HeldCredential, mergeHeld, toHa1Record } from './held-credential.js'
import { MARKER } from './marker.js'
import { credentialKey, domainKey, RECORD_PREFIXES, realmKey } from './redis-record.js'

/** What may lie at a key of the mirror. */
export type NearRecord = HeldCredential | RealmOffer | SipDomain

/** What this process holds of the mirror in Redis, by the records' keys there; what kind a record is of, its key says. */
export type NearCache = {
  /** What the hot path reads. That there is nothing it says only while the mirror is known to be complete. */
  readonly reader: NearReader
  /** Records held, those for nothing included. */
  readonly size: number
  /** Whether anything may be read from it at this moment. */
  readonly live: boolean
  /** How many times all was dropped because changes were not heard of. */
  readonly losses: number
  /** Whether the marker says that the mirror holds everything; false where that is not known. */
  readonly complete: boolean
  /** The realm's own record; null where Redis has none, whether it is complete or not. */
  peekOffer(realm: string): Near<RealmOffer>
  begin(key: string): Ticket<NearRecord>
  keepCredential(ticket: Ticket<NearRecord>, held: HeldCredential | null): void
  keepOffer(ticket: Ticket<NearRecord>, held: RealmOffer | null): void
  keepDomain(ticket: Ticket<NearRecord>, held: SipDomain | null): void
  /** Asks whether the mirror is complete, and remembers that it is until the marker is touched. */
  readComplete(ask: () => Promise<boolean>): Promise<boolean>
  /** To be called when this process has written the record. */
  forget(key: string): void
  forgetAll(): void
}

/** Holds at most so many records. Must be made before the invalidations are started. */
export function createNearCache({
  invalidations,
  max,
}: {
  readonly invalidations: Invalidations
  readonly max: number
}): NearCache {
  const records = createNearKeeper<NearRecord>({
    ...{ invalidations, max },
    prefixes: RECORD_PREFIXES,
  })
  const marker = createNearKeeper<true>({ invalidations, prefixes: [MARKER], max: 1 })

  const isComplete = () => marker.peek(MARKER) === true
  const peekOffer = (realm: string) => records.peek(realmKey(realm)) as Near<RealmOffer>
  /** What an incomplete mirror lacks may be there all the same. */
  const known = <T>(held: Near<T>): Known<T> => (held === null && !isComplete() ? undefined : held)

  return {
    reader: {
      peekHa1(realm, username, field) {
        const held = records.peek(credentialKey(realm, username)) as Near<HeldCredential>
        if (!held) return known(held)
        const offer = peekOffer(realm)
        if (offer === undefined) return undefined
        return toHa1Record(held, { realm, username, field, isActive: offer?.active !== false })
      },
      peekRealm: (realm) => known(peekOffer(realm)),
      peekDomain: (name) => known(records.peek(domainKey(name)) as Near<SipDomain>),
    },
    get size() {
      return records.size
    },
    get live() {
      return invalidations.live
    },
    get losses() {
      return invalidations.losses
    },
    get complete() {
      return isComplete()
    },
    peekOffer,
    begin: records.begin,
    keepCredential: (ticket, held) => records.keep(ticket, mergeHeld(ticket?.value as Near<HeldCredential>, held)),
    keepOffer: records.keep,
    keepDomain: records.keep,
    async readComplete(ask) {
      return (await marker.read(MARKER, async () => (await ask()) || undefined)) ?? false
    },
    forget: records.forget,
    forgetAll: records.forgetAll,
  }
}
