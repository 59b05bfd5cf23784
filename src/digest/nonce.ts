import { equalInConstantTime } from './equal.js'
import { createHmac, type Hmac } from './hmac.js'
import { createOfferCodec, type Offer } from './offer.js'
import { createRandomBytes } from './random-bytes.js'
import { createRecent } from './recent.js'
import { createSignedPart } from './signed-part.js'

export type { Offer } from './offer.js'

/**
 * What a nonce turned out to be. `fresh` and `expired` are ours, for this realm, with the offer that they came with;
 * anything else is `bad`.
 */
export type NonceCheck = KnownNonce | { readonly kind: 'bad' }

/** What a nonce of ours says. */
export type KnownNonce = {
  readonly kind: 'fresh' | 'expired'
  readonly offer: Offer
  /** When it ends or ended, in ms since 1970. */
  readonly expiresAtMs: number
  /** Names the nonce among all that are alive, in a few characters of base64url. */
  readonly id: string
}

/** Nonces that no one needs to remember: signed, expiring, bound to realm and offer (RFC 7616 section 3.3). */
export type Nonces = {
  /** A new nonce, 44 characters of base64url. */
  issue(realm: string, offer: Offer): string
  /** Judges a nonce that came back. Never throws, whatever it is given. */
  check(nonce: string, realm: string): NonceCheck
  /** Puts other secrets in force at once: the first signs from now on, all verify. Throws a RangeError as below. */
  rotate(secrets: readonly string[]): void
}

/*
 * A nonce is 33 bytes, which base64url writes in 44 characters without a bit to spare, so in one spelling only:
 *
 *    0   version, 1
 *    1   expiry, ms since 1970, big-endian              6
 *    7   algorithms offered, in order                   1
 *    8   qop offered, in order                          1
 *    9   random                                         8
 *   17   signature                                     16
 *
 * The signature is HMAC-SHA256, cut to 16 bytes, of bytes 0 to 16, the length of the lower-case realm in UTF-8 (4
 * bytes, big-endian) and that realm.
 */
const EXPIRY_AT = 1
const EXPIRY_LENGTH = 6
const ALGORITHMS_AT = 7
const QOP_AT = 8
const RANDOM_AT = 9
const SIGNATURE_AT = 17
const LENGTH = 33
const TEXT_LENGTH = 44
const VERSION = 1
const SPELLING = /^[A-Za-z0-9_-]{44}$/

/**
 * Nonces that this process issued or found right lately, at least; about 5 MB of them. A phone comes back with the nonce
 * that it was just given, and then with that one again.
 */
const RECENT = 10_000

/** A nonce of ours, what it says, and the realm that it is bound to, as it was spelt. */
type Sealed = { readonly text: string; readonly realm: string } & Omit<KnownNonce, 'kind'>

/** Characters that are random alone, with 30 bits in them: what is remembered of a nonce is found by these. */
const KEY_AT = 12
const KEY_LENGTH = 5
const KEY_CHAR_BITS = 6

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const ID_WHOLE = 10

const BAD: NonceCheck = { kind: 'bad' }

/**
 * Issues and checks nonces. `secrets` come newest first: the first signs, all verify, so that nodes can change over
 * one by one. `now` is in ms since 1970.
 * Throws a RangeError for no secret or an empty one, and for a lifetime that is not above 0.
 */
export function createNonces(deps: {
  readonly secrets: readonly string[]
  readonly lifetimeSeconds: number
  readonly now: () => number
  /** What was issued earlier, ms since 1970, counts as expired: for who remembers no uses from before. */
  readonly notBeforeMs?: number | undefined
}): Nonces {
  const { now, notBeforeMs = 0 } = deps
  const lifetimeMs = Math.round(deps.lifetimeSeconds * 1000)
  if (!(lifetimeMs > 0)) throw new RangeError('the lifetime of nonces must be above 0 seconds')
  const randomBytes = createRandomBytes(SIGNATURE_AT - RANDOM_AT)
  let keys = createKeys(deps.secrets)
  const recent = createRecent<Sealed, number>(RECENT)
  const offers = createOfferCodec()
  const signedPart = createSignedPart(SIGNATURE_AT)
  /** Every nonce that is issued is put together here. */
  const made = Buffer.alloc(LENGTH)

  function judge({ offer, expiresAtMs, id }: Sealed): NonceCheck {
    const leftMs = expiresAtMs - now()
    // Clocks of nodes differ a little. More than a lifetime ahead, it was issued by a clock that was wrong then, or
    // under a longer lifetime that is no longer meant.
    const tooOld = leftMs <= 0 || expiresAtMs - lifetimeMs < notBeforeMs
    const kind = tooOld || leftMs > 2 * lifetimeMs ? 'expired' : 'fresh'
    return { kind, offer, expiresAtMs, id }
  }

  /** What a nonce says, once its signature is found right; undefined where it is not one of ours for the realm. */
  function unseal(text: string, realm: string): Sealed | undefined {
    if (!SPELLING.test(text)) return undefined
    const nonce = Buffer.from(text, 'base64url')
    if (nonce[0] !== VERSION) return undefined
    const signature = nonce.toString('latin1', SIGNATURE_AT)
    const signed = signedPart(nonce, realm)
    if (!keys.all.some((key) => equalInConstantTime(sign(key, signed), signature))) return undefined
    return remember(readSealed(nonce.toString('base64url'), nonce, realm))
  }

  /** What the nonce says, bound to this realm. Undefined where its offer is none. */
  function readSealed(text: string, nonce: Buffer, realm: string): Sealed | undefined {
    const offer = offers.decode(nonce[ALGORITHMS_AT] ?? 0, nonce[QOP_AT] ?? 0)
    if (offer === undefined) return undefined
    return { text, realm, offer, expiresAtMs: nonce.readUIntBE(EXPIRY_AT, EXPIRY_LENGTH), id: idOf(text) }
  }

  function remember(sealed: Sealed | undefined): Sealed | undefined {
    if (sealed) recent.put(keyOf(sealed.text), sealed)
    return sealed
  }

  return {
    issue(realm, offer) {
      const { algorithms, qop } = offers.encode(offer)
      made[0] = VERSION
      made.writeUIntBE(Math.floor(now()) + lifetimeMs, EXPIRY_AT, EXPIRY_LENGTH)
      made[ALGORITHMS_AT] = algorithms
      made[QOP_AT] = qop
      randomBytes(made, RANDOM_AT)
      const signature = sign(keys.signing, signedPart(made, realm))
      for (let at = SIGNATURE_AT; at < LENGTH; at++) made[at] = signature.charCodeAt(at - SIGNATURE_AT)
      const text = made.toString('base64url')
      remember(readSealed(text, made, realm))
      return text
    },

    check(text, realm) {
      if (text.length !== TEXT_LENGTH) return BAD
      const known = recent.get(keyOf(text))
      const sealed = known?.text === text && known.realm === realm ? known : unseal(text, realm)
      return sealed ? judge(sealed) : BAD
    },

    rotate(secrets) {
      keys = createKeys(secrets)
      recent.clear()
    },
  }
}

function keyOf(text: string): number {
  let key = 0
  for (let at = KEY_AT; at < KEY_AT + KEY_LENGTH; at++) key = (key << KEY_CHAR_BITS) ^ text.charCodeAt(at)
  return key
}

/** The random bytes in base64url: ten characters of the nonce, and four bits of the next. */
function idOf(text: string): string {
  const last = BASE64URL.indexOf(text.charAt(KEY_AT + ID_WHOLE)) & 0b111100
  return text.slice(KEY_AT, KEY_AT + ID_WHOLE) + BASE64URL.charAt(last)
}

function createKeys(secrets: readonly string[]): { readonly signing: Hmac; readonly all: readonly Hmac[] } {
  if (secrets.includes('')) throw new RangeError('a secret that signs nonces must not be empty')
  const all = secrets.map(createHmac)
  const [signing] = all
  if (signing === undefined) throw new RangeError('signing nonces needs at least one secret')
  return { signing, all }
}

/** The signature as a string, a character for each byte, as the comparison of secrets takes it. */
function sign(key: Hmac, signed: Buffer): string {
  return key(signed).slice(0, LENGTH - SIGNATURE_AT)
}
