import { createHmac } from 'node:crypto'
import type { Secret } from './secret.js'

/** What is signed for a nonce begins with its version, a byte that this does not begin with. */
const LABEL = 'sipauthd: which nonce secret is this?'

/**
 * Names a nonce secret in the log, so that nodes can be compared: 8 hex digits of an HMAC-SHA256 under the secret. Who
 * guesses at a weak secret gains nothing by it: every nonce that is sent to a phone tells more about it, 16 bytes of the
 * same function. And what it tells signs nothing.
 */
export function nonceSecretId(secret: Secret): string {
  return createHmac('sha256', secret.reveal()).update(LABEL).digest('hex').slice(0, 8)
}
