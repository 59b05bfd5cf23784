import type { StoredCredential } from '../store/credentials.js'
import { describeAlteration } from './alteration.js'

type Identity = Pick<StoredCredential, 'username' | 'realm' | 'listSid'>
type Described = Identity & Pick<StoredCredential, 'enabled' | 'description'>

/** Whose credential it is, for the audit trail: its row may be gone when the trail is read. */
export function identifyCredential({ username, realm, listSid }: Identity) {
  return { username, realm, credentialListSid: listSid }
}

/** What the audit trail shows of an update; of a description, which may say anything, only that it is another. */
export function describeCredentialUpdate(before: Described, after: Described) {
  return {
    ...identifyCredential(after),
    ...describeAlteration({ enabled: before.enabled }, { enabled: after.enabled }),
    ...(after.description !== before.description && { description: true }),
  }
}
