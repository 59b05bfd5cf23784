import type { HashAlgorithm } from '../digest/algorithm.js'
import { normalizeRealm } from '../names.js'
import type { CredentialSource } from './credential-source.js'
import type { Decoy } from './decoy.js'
import { findCredential } from './find-credential.js'

/** What a proxy that checks responses itself is told. */
export type Ha1Answer =
  | { readonly kind: 'found'; readonly ha1: string }
  | { readonly kind: 'none' | 'disabled' | 'unavailable' }

/** Finds HA1s for proxies; an outage is `unavailable`, never `none`. */
export type Ha1Lookup = {
  /** With `decoy`, an unknown user has an HA1 too: a stable one that no password fits. */
  find(input: {
    readonly realm: string
    readonly username: string
    readonly algorithm: HashAlgorithm
    readonly decoy: boolean
  }): Promise<Ha1Answer>
}

export function createHa1Lookup(deps: { readonly source: CredentialSource; readonly decoy: Decoy }): Ha1Lookup {
  const { source } = deps

  async function findConfirmed(username: string, algorithm: HashAlgorithm, realm: string) {
    const found = await findCredential({ username, algorithm }, realm, source.findHa1)
    if (found.origin !== 'mirror' || found.value?.ha1 !== undefined || (await source.isMirrorComplete())) return found
    return findCredential({ username, algorithm }, realm, source.findHa1InDatabase)
  }

  return {
    async find({ username, algorithm, decoy, ...input }) {
      const realm = normalizeRealm(input.realm)
      const found = await findConfirmed(username, algorithm, realm)
      if (found.origin === 'unavailable') return { kind: 'unavailable' }
      if (found.value && !found.value.usable) return { kind: 'disabled' }
      if (found.value?.ha1 !== undefined) return { kind: 'found', ha1: found.value.ha1 }
      return decoy ? { kind: 'found', ha1: deps.decoy(algorithm, realm, username) } : { kind: 'none' }
    },
  }
}
