import { hash } from 'node:crypto'
import { ALGORITHMS, type HashAlgorithm } from './algorithm.js'

/**
 * H(data) of RFC 7616 section 3.3, in lower-case hex. Strings are hashed as UTF-8.
 * Throws where the algorithm is not available, see `isAlgorithmAvailable`.
 */
export function hashHex(algorithm: HashAlgorithm, data: string | Uint8Array): string {
  // Nearly always this one: to look a name up by another takes as long as to hash a few characters.
  return hash(algorithm === 'MD5' ? ALGORITHMS.MD5.hash : ALGORITHMS[algorithm].hash, data, 'hex')
}
