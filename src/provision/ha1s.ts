import type { Ha1s } from '../credential.js'
import { computeHa1 } from '../digest/ha1.js'

/**
 * Every HA1 that a credential is stored as, for `user` and for `user@realm`. Here the password ends: it is stored
 * nowhere and logged nowhere.
 */
export function computeHa1s(username: string, realm: string, password: string): Ha1s {
  const userAtRealm = `${username}@${realm}`
  return {
    ha1: computeHa1('MD5', username, realm, password),
    ha1_sha256: computeHa1('SHA-256', username, realm, password),
    ha1_sha512_256: computeHa1('SHA-512-256', username, realm, password),
    ha1b: computeHa1('MD5', userAtRealm, realm, password),
    ha1b_sha256: computeHa1('SHA-256', userAtRealm, realm, password),
    ha1b_sha512_256: computeHa1('SHA-512-256', userAtRealm, realm, password),
  }
}
