import { readFileSync } from 'node:fs'
import ipaddr from 'ipaddr.js'
import { ALGORITHMS, type HashAlgorithm } from './digest/algorithm.js'
import type { Qop } from './digest/challenge.js'
import { isRealm } from './names.js'
import { Secret } from './secret.js'

/** Reads one variable's text; what it throws is a `Fault`, the rule that the text breaks. */
export type Parser<T> = (text: string) => T

/** A broken rule, in words that follow the variable's name. */
export class Fault extends Error {
  override readonly name = 'Fault'
}

/** Any text without spaces at its ends. */
export function text(value: string): string {
  return value
}

/** A TCP or UDP port; 0 takes a free one. */
export function port(value: string): number {
  return integer(0, 65_535, 'a port number from 0 to 65535')(value)
}

/** A port, or `off`. */
export function portOrOff(value: string): number | 'off' {
  return value === 'off' ? 'off' : integer(0, 65_535, 'a port number from 0 to 65535, or off')(value)
}

/** A whole number in a range; `rule` says it in words. */
export function integer(min: number, max: number, rule = `a whole number from ${min} to ${max}`): Parser<number> {
  return (value) => {
    const number = Number(value)
    if (!/^\d{1,9}$/.test(value) || number < min || number > max) throw new Fault(`must be ${rule}`)
    return number
  }
}

/** IP addresses and networks in CIDR form, separated by commas. */
export function networks(value: string): readonly string[] {
  return value.split(',').map((part) => {
    const network = part.trim()
    const [address = '', bits] = network.split('/')
    // Fewer than four parts are an IPv4 address for the library, and a slip of the pen here.
    const isAddress = ipaddr.IPv4.isValidFourPartDecimal(address) || ipaddr.IPv6.isValid(address)
    if (!isAddress || (bits !== undefined && !ipaddr.isValidCIDR(network))) {
      throw new Fault('must be IP addresses and networks like 10.0.0.0/8, separated by commas')
    }
    return network
  })
}

/** One of the given words. */
export function oneOf<const Words extends readonly string[]>(words: Words): Parser<Words[number]> {
  return (value) => {
    if (!words.includes(value)) throw new Fault(`must be one of ${words.join(', ')}`)
    return value as Words[number]
  }
}

/** A URL of one of the given schemes; those that begin with `redis+` may name several hosts, separated by commas. */
export function url(...schemes: readonly string[]): Parser<string> {
  return (value) => {
    if (!schemes.some((scheme) => value.startsWith(`${scheme}://`) && value.length > scheme.length + 3)) {
      throw new Fault(`must begin with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`)
    }
    if (!hostByHost(value).every(isWellFormed)) throw new Fault('must be a valid URL, percent-encoded where need be')
    return value
  }
}

/** A URL that names several hosts is none to the WHATWG parser: one URL for each of them. */
function hostByHost(value: string): readonly string[] {
  const [, start, hosts, end] = /^(redis\+[a-z]+:\/\/(?:[^@/]*@)?)([^/]*)(.*)$/.exec(value) ?? []
  return hosts === undefined ? [value] : hosts.split(',').map((host) => `${start}${host}${end}`)
}

/** Whether URL and percent-encoding can be read; a host list's entries must not be empty. */
function isWellFormed(value: string): boolean {
  if (!URL.canParse(value) || /%(?![0-9A-Fa-f]{2})/.test(value)) return false
  const { protocol, hostname } = new URL(value)
  // A socket has a path and no host; what stood before it would be passed over.
  if (protocol === 'unix:') return hostname === ''
  return !protocol.startsWith('redis+') || hostname !== ''
}

/** A SIP or SIPS URI that is safe in a header: no blank, quote, angle bracket or control character. */
export function sipUri(value: string): string {
  if (!/^sips?:[!#-+\-.-;=?-~]{1,250}$/i.test(value)) throw new Fault('must be a SIP URI, like sip:gw.example.com')
  return value
}

/** A host name that realms can lie under: room is left for the part before it. */
export function sipDomain(value: string): string {
  if (!isRealm(value) || value.length > 100) throw new Fault('must be a host name of at most 100 characters')
  return value.toLowerCase()
}

/** A secret of at least 8 characters that an HTTP header or a URL can carry. */
export function token(value: string): Secret {
  if (!/^[\x21-\x7e]{8,256}$/.test(value))
    throw new Fault('must have 8 to 256 printable ASCII characters without blanks')
  return new Secret(value)
}

/** Tokens that are all good, separated by commas, the newest first. */
export function tokens(value: string): readonly Secret[] {
  const parts = value.split(',').map((part) => part.trim())
  if (!parts.every((part) => /^[\x21-\x7e]{8,256}$/.test(part))) {
    throw new Fault('must be tokens of 8 to 256 printable ASCII characters without blanks, separated by commas')
  }
  return parts.map((part) => new Secret(part))
}

/** Secrets that sign nonces, separated by commas, the newest first. */
export function nonceSecrets(value: string): readonly Secret[] {
  return value.split(',').map((part) => {
    const secret = part.trim()
    if (secret.length < 8 || /[\s\p{Cc}]/u.test(secret)) {
      throw new Fault('must be secrets of at least 8 characters, without blanks inside and separated by commas')
    }
    return new Secret(secret)
  })
}

/** An account SID. */
export function accountSid(value: string): string {
  if (!/^AC[0-9a-f]{32}$/.test(value)) throw new Fault('must be AC followed by 32 lower-case hex digits')
  return value
}

const QOPS: Readonly<Record<string, readonly Qop[]>> = {
  auth: ['auth'],
  'auth,auth-int': ['auth', 'auth-int'],
  none: [],
}

/** What challenges offer as quality of protection. */
export function qop(value: string): readonly Qop[] {
  const words = value.replaceAll(' ', '')
  const offered = Object.hasOwn(QOPS, words) ? QOPS[words] : undefined
  if (!offered) throw new Fault(`must be one of ${Object.keys(QOPS).join(' or ')}`)
  return offered
}

/** Algorithms separated by commas, each once; their order is kept. */
export function algorithms(value: string): readonly HashAlgorithm[] {
  const names = value.split(',').map((name) => name.trim())
  const known = names.every((name) => Object.hasOwn(ALGORITHMS, name))
  if (!known || new Set(names).size !== names.length) {
    throw new Fault(`must be algorithms out of ${Object.keys(ALGORITHMS).join(', ')}, each once, separated by commas`)
  }
  return names as HashAlgorithm[]
}

/** The contents of a file, which must be there and readable. */
export function fileContents(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Fault(
      `names a file that cannot be read (${error instanceof Error && 'code' in error ? error.code : error})`,
    )
  }
}

/** The path of a file that holds nonce secrets at this moment; it is read again on SIGHUP. */
export function nonceSecretFile(path: string): string {
  readNonceSecrets(path)
  return path
}

/**
 * Reads nonce secrets from a file, separated by commas or line ends, the newest first. Lines that are empty or begin
 * with `#` are passed over. Throws a `Fault`.
 */
export function readNonceSecrets(path: string): readonly Secret[] {
  const lines = fileContents(path)
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => !line.startsWith('#'))
  const parts = lines.flatMap((line) => line.split(',')).filter((part) => part.trim() !== '')
  return nonceSecrets(parts.join(','))
}

/** A PEM file's contents. */
export function pemFile(path: string): string {
  const contents = fileContents(path)
  if (!contents.includes('-----BEGIN ')) throw new Fault('names a file that is not PEM')
  return contents
}
