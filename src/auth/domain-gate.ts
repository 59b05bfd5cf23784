import { LRUCache } from 'lru-cache'
import type { SipDomain } from '../sip-domain.js'
import { type AddressRanges, createAddressRanges } from './address-ranges.js'
import { parseSourceAddress } from './source-address.js'

/** What a request needs at a SIP domain. */
export type Gate =
  /** Nothing would let it in. */
  | { readonly kind: 'shut'; readonly reason: 'disabled' | 'not_allowed'; readonly detail: string }
  /** The address that it came from lets it in. */
  | { readonly kind: 'open' }
  /** The digest of a credential of one of these lists, by SID. */
  | { readonly kind: 'digest'; readonly lists: readonly string[] }

/** Says what a request needs: by its method, and by the address that it came from. */
export type DomainGate = (domain: SipDomain, request: { method: string; sourceIp?: string | undefined }) => Gate

/** CIDR blocks kept in their parsed form, over all domains. */
const KEPT_RANGES_MAX = 200_000

/**
 * The gate of a domain's mappings. Registrations count for REGISTER, calls for every other method. Where both kinds of
 * lists are mapped to calls, both must let the request in: "the source IP address must be in one of the mapped lists to
 * be accepted" (https://www.twilio.com/docs/voice/sip/api/sip-ipaccesscontrollistmapping-resource), and "if an INVITE is
 * received for a domain with a credential list mapped to it, we challenge the request"
 * (https://www.twilio.com/docs/voice/sip/api/sip-credentiallistmapping-resource). With nothing mapped nobody is let in.
 */
export function createDomainGate(): DomainGate {
  const kept = new LRUCache<string, AddressRanges>({
    maxSize: KEPT_RANGES_MAX,
    sizeCalculation: ({ size }) => size + 1,
  })

  /** A version's ranges never change; a domain that is created anew has another SID. */
  function readRanges({ sid, version }: SipDomain, blocks: readonly string[]): AddressRanges {
    const key = `${sid} ${version}`
    const known = kept.get(key)
    if (known) return known
    const ranges = createAddressRanges(blocks)
    kept.set(key, ranges)
    return ranges
  }

  return (domain, { method, sourceIp }) => {
    if (!domain.active) return { kind: 'shut', reason: 'disabled', detail: "the domain's account is not active" }
    if (method === 'REGISTER') {
      return domain.registrations.length > 0 ? { kind: 'digest', lists: domain.registrations } : NO_REGISTRATIONS
    }
    const { calls, ipRanges } = domain
    if (ipRanges === undefined) return calls.length > 0 ? { kind: 'digest', lists: calls } : NO_CALLS
    const source = parseSourceAddress(sourceIp)
    if (source === undefined || !readRanges(domain, ipRanges).contains(source)) return FOREIGN_SOURCE
    return calls.length > 0 ? { kind: 'digest', lists: calls } : { kind: 'open' }
  }
}

function notAllowed(detail: string): Gate {
  return { kind: 'shut', reason: 'not_allowed', detail }
}

const NO_REGISTRATIONS = notAllowed('no credential list may register at the domain')
const NO_CALLS = notAllowed('neither a credential list nor an IP access control list may call at the domain')
const FOREIGN_SOURCE = notAllowed('the source address is in no IP access control list of the domain')
