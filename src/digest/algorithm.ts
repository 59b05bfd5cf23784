/**
 * Hash functions of HTTP digest as SIP may use them: RFC 7616 section 3.2, registered for SIP by RFC 8760 section 2.
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
