import ipaddr from 'ipaddr.js'
import type { SourceAddress } from './source-address.js'

/** CIDR blocks in a form in which it does not matter how many they are. */
export type AddressRanges = {
  /** How many blocks there are. */
  readonly size: number
  contains(address: SourceAddress): boolean
}

const MAPPED_BITS = 96

/**
 * Reads CIDR blocks (`192.0.2.0/24`, `2001:db8::/32`; RFC 4632, RFC 4291 section 2.3); bits beyond the prefix do not
 * count. One lookup per prefix length that occurs decides, however many blocks there are. Throws for a text that is
 * none: what is stored was checked when it was written.
 */
export function createAddressRanges(blocks: readonly string[]): AddressRanges {
  const networks = { ipv4: new Map<number, Set<string>>(), ipv6: new Map<number, Set<string>>() }
  for (const block of blocks) {
    const [address, bits] = unmap(ipaddr.parseCIDR(block))
    const ofLength = networks[address.kind()]
    const known = ofLength.get(bits) ?? new Set()
    ofLength.set(bits, known.add(networkKey(address, bits)))
  }
  return {
    size: blocks.length,
    contains(address) {
      for (const [bits, known] of networks[address.kind()]) if (known.has(networkKey(address, bits))) return true
      return false
    },
  }
}

/** A block of IPv4 addresses that are mapped into IPv6 is one of IPv4: sources are compared as that. */
function unmap([address, bits]: [SourceAddress, number]): [SourceAddress, number] {
  const isMapped = address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= MAPPED_BITS
  return isMapped ? [address.toIPv4Address(), bits - MAPPED_BITS] : [address, bits]
}

/** The address with all bits beyond the prefix gone. */
function networkKey(address: SourceAddress, bits: number): string {
  let left = bits
  const bytes = address.toByteArray().map((byte) => {
    const kept = Math.max(0, Math.min(8, left))
    left -= 8
    return byte & (0xff << (8 - kept)) & 0xff
  })
  return String.fromCharCode(...bytes)
}
