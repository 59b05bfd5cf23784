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

  /** Where known and unknown are to be `alike`, the mirror is asked whether it is complete for both. */
  async function findConfirmed(username: string, algorithm: HashAlgorithm, realm: string, alike: boolean) {
    const found = await findCredential({ username, algorithm }, realm, source.findHa1)
    if (found.origin !== 'mirror') return found
    const hasHa1 = found.value?.ha1 !== undefined
    if ((hasHa1 && !alike) || (await source.isMirrorComplete()) || hasHa1) return found
    return findCredential({ username, algorithm }, realm, source.findHa1InDatabase)
  }

  return {
    async find({ username, algorithm, decoy, ...input }) {
      const realm = normalizeRealm(input.realm)
      const found = await findConfirmed(username, algorithm, realm, decoy)
      if (found.origin === 'unavailable') return { kind: 'unavailable' }
      if (found.value && !found.value.usable) return { kind: 'disabled' }
      // Made for known users too, so that the time does not tell who is one.
      const decoyHa1 = decoy ? deps.decoy(algorithm, realm, username) : undefined
      const ha1 = found.value?.ha1 ?? decoyHa1
      return ha1 === undefined ? { kind: 'none' } : { kind: 'found', ha1 }
    },
  }
}
