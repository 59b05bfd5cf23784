import { createRecent } from './recent.js'

const REALM_LENGTH_BYTES = 4

/** Realms of which the part is kept, at least, and the longest of them in characters. */
const REALMS = 500
const REALM_LENGTH_MAX = 256

/**
 * Makes what is signed of a nonce that is bound to a realm: the nonce's first `headLength` bytes, the length of the
 * lower-case realm in UTF-8 (4 bytes, big-endian) and that realm. It is good until it is made again: of each realm all
 * but the head is kept.
 */
export function createSignedPart(headLength: number): (nonce: Buffer, realm: string) => Buffer {
  const parts = createRecent<Buffer>(REALMS)

  function keepPart(realm: string): Buffer {
    const lowerCase = realm.toLowerCase()
    const realmLength = Buffer.byteLength(lowerCase)
    const part = Buffer.alloc(headLength + REALM_LENGTH_BYTES + realmLength)
    part.writeUInt32BE(realmLength, headLength)
    part.write(lowerCase, headLength + REALM_LENGTH_BYTES)
    // As a text of its own: what was cut out of a request would keep all of that.
    if (realm.length <= REALM_LENGTH_MAX) parts.put(Buffer.from(realm, 'utf16le').toString('utf16le'), part)
    return part
  }

  return (nonce, realm) => {
    const part = parts.get(realm) ?? keepPart(realm)
    for (let at = 0; at < headLength; at++) part[at] = nonce[at] ?? 0
    return part
  }
}
