import { hash } from 'node:crypto'

/**
 * Hash functions of HTTP digest as SIP may use them: RFC 7616 section 6.1, taken up for SIP by RFC 8760 section 2.
 * `hash` is the name that node:crypto knows.
 */
export const ALGORITHMS = {
  MD5: { hash: 'md5', hexLength: 32 },
  'SHA-256': { hash: 'sha256', hexLength: 64 },
  'SHA-512-256': { hash: 'sha512-256', hexLength: 64 },
} as const

/** A hash function for which HA1s are stored and challenges offered. */
export type HashAlgorithm = keyof typeof ALGORITHMS

/** Any value of the `algorithm` parameter that responses can be computed for. */
export type DigestAlgorithm = HashAlgorithm | `${HashAlgorithm}-sess`

/** What an `algorithm` parameter asks for: the hash function, and whether A1 is that of a session (`-sess`). */
export type ParsedAlgorithm = { readonly algorithm: HashAlgorithm; readonly session: boolean }

const HASH_ALGORITHMS = Object.keys(ALGORITHMS) as HashAlgorithm[]

const BY_WIRE_NAME = new Map(
  HASH_ALGORITHMS.flatMap((algorithm): [string, ParsedAlgorithm][] => [
    ...spellings(algorithm).map((name): [string, ParsedAlgorithm] => [name, { algorithm, session: false }]),
    ...spellings(`${algorithm}-sess`).map((name): [string, ParsedAlgorithm] => [name, { algorithm, session: true }]),
  ]),
)

/** What is meant where nothing is said, and what phones mostly say. */
const MD5 = BY_WIRE_NAME.get('MD5')

/** As the RFC writes it, which is found at once, and in lower case, which stands for all others. */
function spellings(name: string): string[] {
  return [name, name.toLowerCase()]
}

// A library in FIPS mode refuses md5 by throwing. It is asked once: that mode does not change while a process runs.
const AVAILABLE: ReadonlySet<HashAlgorithm> = new Set(HASH_ALGORITHMS.filter(canHash))

function canHash(algorithm: HashAlgorithm): boolean {
  try {
    return hash(ALGORITHMS[algorithm].hash, '').length === ALGORITHMS[algorithm].hexLength
  } catch {
    return false
  }
}

/**
 * Reads the value of an `algorithm` parameter, in any case. Absent means MD5 (RFC 7616 section 3.3); undefined is the
 * answer for a value that no response can be computed for.
 */
export function parseAlgorithm(text: string | undefined): ParsedAlgorithm | undefined {
  if (text === undefined || text === 'MD5') return MD5
  return BY_WIRE_NAME.get(text) ?? BY_WIRE_NAME.get(text.toLowerCase())
}

/** Whether this build of Node can compute the hash function at all: one in FIPS mode has no MD5. */
export function isAlgorithmAvailable(algorithm: HashAlgorithm): boolean {
  return AVAILABLE.has(algorithm)
}
