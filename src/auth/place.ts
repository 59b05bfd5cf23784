import { isRealm, normalizeRealm } from '../names.js'
import type { SipDomain } from '../sip-domain.js'
import type { AuthRequest } from './auth-request.js'
import type { CredentialSource, Lookup, Origin } from './credential-source.js'
import { createDomainGate } from './domain-gate.js'
import { REASONS, refuse, UNAVAILABLE, type Verdict } from './verdict.js'

/** Where a request asks to be let in. */
export type Place = {
  /** Undefined where the request says neither realm nor domain: then it is that of its first Authorization. */
  readonly realm: string | undefined
  /** The SIP domain; undefined where the request names none. */
  readonly domain: Pick<SipDomain, 'name' | 'sid'> | undefined
  /** SIDs of the lists whose credentials are let in; undefined: every list of the realm. */
  readonly lists: readonly string[] | undefined
  readonly origin: Origin | 'near'
}

/** Finds the place that a request asks for. */
export type Locator = {
  /** The same as `locate` answers, where what is near lets the request in or lets it answer a challenge. */
  peek(request: AuthRequest, realm: string | undefined): Place | Verdict | undefined
  /** The place, or at once the verdict that needs no digest. `realm` counts where the request names no SIP domain. */
  locate(request: AuthRequest, realm: string | undefined): Promise<Place | Verdict>
  /** The verdict on a right response with a credential of that list; undefined where it is let in. */
  judgeList(place: Place, request: AuthRequest, listSid: string): Promise<Verdict | undefined>
}

/** Whether the place lets in whoever has a credential of that list. */
export function letsIn({ lists }: Place, listSid: string): boolean {
  return lists === undefined || lists.includes(listSid)
}

/**
 * The same of a place that was asked for anew. Where the domain is gone, it is the realm that the request asks for which
 * counts, if that is the one that was answered for.
 */
function stillLetsIn(place: Place, listSid: string, { realm, domain }: AuthRequest): boolean {
  const asked = realm ?? domain
  const isSameRealm = asked !== undefined && normalizeRealm(asked) === place.realm
  return place.domain === undefined ? isSameRealm : letsIn(place, listSid)
}

/**
 * A domain that is near or in the mirror lets in at once; before it refuses anybody, one that is near is asked for in the
 * mirror, and that one is confirmed as credentials are.
 */
export function createLocator({ source }: { readonly source: CredentialSource }): Locator {
  const gate = createDomainGate()

  function toPlace(
    found: Lookup<SipDomain | undefined>,
    request: AuthRequest,
    realm: string | undefined,
  ): Place | Verdict {
    if (found.origin === 'unavailable') return UNAVAILABLE
    const { origin, value } = found
    if (value === undefined) return { realm, domain: undefined, lists: undefined, origin }
    const needs = gate(value, request)
    if (needs.kind === 'shut') return refuse(needs.reason, needs.detail)
    const { name, sid, realm: itsRealm, accountSid } = value
    if (needs.kind === 'digest') return { realm: itsRealm, domain: { name, sid }, lists: needs.lists, origin }
    return { reason: 'ok', realm: itsRealm, accountSid, credential: undefined, domain: { name, sid } }
  }

  async function locate(request: AuthRequest, realm: string | undefined): Promise<Place | Verdict> {
    const name = domainName(request)
    if (name === undefined) return noDomain(realm)
    const found = await source.findDomain(name)
    const place = toPlace(found, request, realm)
    if (found.origin === 'unavailable' || !isRefusal(place) || (await isConfirmed(found.origin))) return place
    return toPlace(await source.findDomainInDatabase(name), request, realm)
  }

  async function isConfirmed(origin: Place['origin']): Promise<boolean> {
    return origin === 'database' || source.isMirrorComplete()
  }

  return {
    peek(request, realm) {
      const name = domainName(request)
      if (name === undefined) return noDomain(realm)
      const known = source.near.peekDomain(name)
      if (known === undefined) return undefined
      const place = toPlace({ origin: 'mirror', value: known ?? undefined }, request, realm)
      if (isRefusal(place)) return undefined
      return 'reason' in place ? place : { ...place, origin: 'near' }
    },

    locate,

    async judgeList(known, request, listSid) {
      if (letsIn(known, listSid)) return undefined
      const place = known.origin === 'near' ? await locate(request, known.realm) : known
      if ('reason' in place) return place
      if (stillLetsIn(place, listSid, request)) return undefined
      if (known.domain && !(await isConfirmed(place.origin))) {
        const now = toPlace(await source.findDomainInDatabase(known.domain.name), request, place.realm)
        if ('reason' in now) return now
        if (stillLetsIn(now, listSid, request)) return undefined
      }
      return refuse('not_allowed', "the credential's list is not mapped to the domain for this method")
    },
  }
}

/** The place of a request that names no SIP domain. */
function noDomain(realm: string | undefined): Place {
  return { realm, domain: undefined, lists: undefined, origin: 'database' }
}

/** The host that may name a SIP domain; what cannot be a host name is no key to look anything up by. */
function domainName({ domain }: AuthRequest): string | undefined {
  return domain !== undefined && isRealm(domain) ? normalizeRealm(domain) : undefined
}

function isRefusal(place: Place | Verdict): boolean {
  return 'reason' in place && REASONS[place.reason] === 403
}
