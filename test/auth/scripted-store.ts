import type { CredentialReader, Ha1Record, MirrorReader } from '../../src/auth/credential-source.js'
import type { Ha1Field, Ha1s } from '../../src/credential.js'
import type { RealmOffer } from '../../src/realm-offer.js'
import type { SipDomain } from '../../src/sip-domain.js'

/** A store whose contents and outages the test decides. */
export type ScriptedStore = CredentialReader & {
  /** By `realm username`; without HA1s it is a disabled one. */
  readonly credentials: Map<string, Partial<Ha1s>>
  /** By realm: what it has of its own to offer. */
  readonly offers: Map<string, RealmOffer>
  /** By host name. */
  readonly domains: Map<string, SipDomain>
  /** While set, every question is refused. */
  down: boolean
  /** Questions for HA1s, as `realm username field`. */
  readonly asked: string[]
}

/** A scripted mirror, which says of itself whether it is current and complete. */
export type ScriptedMirror = ScriptedStore & { current: boolean; complete: boolean } & MirrorReader

export function scriptedStore(): ScriptedStore {
  const store: ScriptedStore = {
    credentials: new Map(),
    offers: new Map(),
    domains: new Map(),
    down: false,
    asked: [],
    async findHa1(realm, username, field) {
      store.asked.push(`${realm} ${username} ${field}`)
      refuseWhileDown(store)
      const ha1s = store.credentials.get(`${realm} ${username}`)
      return ha1s && toRecord(realm, username, ha1s, field)
    },
    async findRealm(realm) {
      refuseWhileDown(store)
      return store.offers.get(realm)
    },
    async findDomain(name) {
      refuseWhileDown(store)
      return store.domains.get(name)
    },
  }
  return store
}

export function scriptedMirror(): ScriptedMirror {
  const store = scriptedStore()
  const mirror: ScriptedMirror = Object.assign(store, {
    source: 'redis' as const,
    near: undefined,
    current: true,
    complete: true,
    async isComplete() {
      refuseWhileDown(store)
      return mirror.complete
    },
  })
  return mirror
}

function refuseWhileDown({ down }: ScriptedStore): void {
  if (down) throw new Error('the store does not answer')
}

function toRecord(realm: string, username: string, ha1s: Partial<Ha1s>, field: Ha1Field): Ha1Record {
  const sids = { accountSid: 'AC1', credentialListSid: 'CL1', credentialSid: `CR-${username}` }
  return { realm, username, ...sids, usable: Object.keys(ha1s).length > 0, ha1: ha1s[field] }
}
