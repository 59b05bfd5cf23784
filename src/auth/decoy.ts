import { createHmac } from 'node:crypto'
import { ALGORITHMS, type HashAlgorithm } from '../digest/algorithm.js'

/** An HA1 that no password fits, stable for its user: the work for an unknown user is that for a known one. */
export type Decoy = (algorithm: HashAlgorithm, realm: string, username: string) => string

/** Decoys derived from a secret that all nodes share; it is not one of the nonces', which change. */
export function createDecoy(secret: string): Decoy {
  return (algorithm, realm, username) =>
    createHmac('sha512', secret)
      .update(JSON.stringify(['decoy', algorithm, realm, username]))
      .digest('hex')
      .slice(0, ALGORITHMS[algorithm].hexLength)
}
