import type { HashAlgorithm } from './algorithm.js'
import { hashHex } from './hash.js'

/**
 * HA1, the hash of A1 without a session: `H(username ":" realm ":" password)`, RFC 7616 section 3.4.2, in lower-case
 * hex. It is as good as the password within its realm: it belongs in no log and in no answer.
 */
export function computeHa1(algorithm: HashAlgorithm, username: string, realm: string, password: string): string {
  return hashHex(algorithm, `${username}:${realm}:${password}`)
}
