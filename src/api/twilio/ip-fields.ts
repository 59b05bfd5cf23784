import { isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { Type } from 'typebox'
import { Refusal } from '../../errors.js'
import { defineField } from './field.js'

const PREFIX_LENGTH_MAX = 128

const ipAddressSchema = Type.String({
  description:
    'An IPv4 address in dotted decimal, or an IPv6 address; an IPv4 address within IPv6 is to be given as IPv4.',
  examples: ['192.0.2.10', '2001:db8::10'],
})

/** IPv4 in dotted decimal, or IPv6 in the form of RFC 5952. */
export const ipAddress = defineField('IpAddress', ipAddressSchema, (text, name) => {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return text
  if (isIPv6(text)) {
    // RFC 4007 section 11.
    if (text.includes('%'))
      throw new Refusal('invalid', name, 'must have no zone, which means something on one host only')
    const address = ipaddr.IPv6.parse(text)
    if (!address.isIPv4MappedAddress()) return address.toRFC5952String()
    throw new Refusal('invalid', name, `must be written as the IPv4 address that it holds, ${address.toIPv4Address()}`)
  }
  throw new Refusal('invalid', name, 'must be an IPv4 address in dotted decimal or an IPv6 address')
})

const prefixLengthSchema = Type.Integer({
  minimum: 0,
  maximum: PREFIX_LENGTH_MAX,
  description:
    'Bits of the address that count (RFC 4632): 32 at most for IPv4. The whole address where it is left out.',
})

/** Bits of an address that count; which number is too large depends on the address. */
export const cidrPrefixLength = defineField('CidrPrefixLength', prefixLengthSchema, (text, name) => {
  if (/^[0-9]{1,3}$/.test(text) && Number(text) <= PREFIX_LENGTH_MAX) return Number(text)
  throw new Refusal('invalid', name, `must be a number of 0 to 32, or to ${PREFIX_LENGTH_MAX} for IPv6`)
})
