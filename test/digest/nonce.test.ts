import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { createNonces, type Offer } from '../../src/digest/nonce.js'

const REALM = 'sip.example.com'
const OFFER: Offer = { algorithms: ['SHA-256', 'MD5'], qop: ['auth'] }
const START_MS = 1_800_000_000_000
const LIFETIME_SECONDS = 300
const BAD = { kind: 'bad' }

function setUp(secrets: readonly string[] = ['first secret']) {
  const clock = { ms: START_MS }
  return { clock, nonces: createNonces({ secrets, lifetimeSeconds: LIFETIME_SECONDS, now: () => clock.ms }) }
}

t.test('a nonce that was issued is fresh, and tells what was offered with it and when it ends', async (t) => {
  const { nonces } = setUp()
  t.match(nonces.check(nonces.issue(REALM, OFFER), REALM), {
    kind: 'fresh',
    offer: OFFER,
    expiresAtMs: START_MS + 300_000,
    id: /^[A-Za-z0-9_-]{11}$/,
  })
})

t.test('a nonce is fresh until the end of its lifetime, and expired from then on', async (t) => {
  const { clock, nonces } = setUp()
  const nonce = nonces.issue(REALM, OFFER)
  clock.ms += LIFETIME_SECONDS * 1000 - 1
  t.match(nonces.check(nonce, REALM), { kind: 'fresh' })
  clock.ms += 1
  t.match(nonces.check(nonce, REALM), { kind: 'expired', offer: OFFER, expiresAtMs: START_MS + 300_000 })
  clock.ms += 1e12
  t.match(nonces.check(nonce, REALM), { kind: 'expired' })
})

t.test(
  'a nonce from a node whose clock is ahead is fresh; from more than a lifetime ahead it is expired',
  async (t) => {
    const { clock, nonces } = setUp()
    const nonce = nonces.issue(REALM, OFFER)
    clock.ms -= LIFETIME_SECONDS * 1000
    t.match(nonces.check(nonce, REALM), { kind: 'fresh' })
    clock.ms -= 1
    t.match(nonces.check(nonce, REALM), { kind: 'expired' })
  },
)

t.test('nonces and their ids are never the same, even in the same millisecond', async (t) => {
  const { nonces } = setUp()
  const issued = Array.from({ length: 1000 }, () => nonces.issue(REALM, OFFER))
  t.equal(new Set(issued).size, 1000)
  t.equal(new Set(issued.map((nonce) => JSON.stringify(nonces.check(nonce, REALM)))).size, 1000)
})

t.test('a nonce is good for its own realm only, which is compared in lower case', async (t) => {
  const { nonces } = setUp()
  const nonce = nonces.issue('SIP.example.com', OFFER)
  t.match(nonces.check(nonce, 'sip.EXAMPLE.com'), { kind: 'fresh' })
  for (const realm of ['', 'sip.example.co', 'sip.example.com.', 'other.example.com', '\u0000sip.example.com']) {
    t.strictSame(nonces.check(nonce, realm), BAD, realm)
  }
})

t.test('the order in which algorithms and qops were offered is kept', async (t) => {
  const { nonces } = setUp()
  const orders: Offer[] = [
    { algorithms: ['MD5', 'SHA-256', 'SHA-512-256'], qop: ['auth', 'auth-int'] },
    { algorithms: ['SHA-512-256', 'MD5', 'SHA-256'], qop: ['auth-int', 'auth'] },
    { algorithms: ['SHA-256'], qop: [] },
  ]
  for (const offer of orders) t.match(nonces.check(nonces.issue(REALM, offer), REALM), { kind: 'fresh', offer })
})

t.test('a nonce whose offered algorithms were put in another order is bad', async (t) => {
  const { nonces } = setUp()
  const bytes = Buffer.from(nonces.issue(REALM, { algorithms: ['SHA-256', 'MD5'], qop: ['auth'] }), 'base64url')
  const swapped = Buffer.from(nonces.issue(REALM, { algorithms: ['MD5', 'SHA-256'], qop: ['auth'] }), 'base64url')
  bytes.set(swapped.subarray(7, 8), 7)
  t.strictSame(nonces.check(bytes.toString('base64url'), REALM), BAD)
})

/** A nonce put together by hand, byte by byte, for `sip.example.com`. */
function forge(version: number, secret: string): string {
  const head = Buffer.from([version, ...Array(6).fill(0), 0b0110, 0b01, ...Buffer.from('8 random')])
  head.writeUIntBE(START_MS + 1, 1, 6)
  const signed = Buffer.concat([head, Buffer.from([0, 0, 0, REALM.length]), Buffer.from(REALM)])
  const signature = createHmac('sha256', secret).update(signed).digest().subarray(0, 16)
  return Buffer.concat([head, signature]).toString('base64url')
}

t.test('a nonce is the bytes that its layout says, so that nodes of other versions agree on it', async (t) => {
  const { nonces } = setUp(['first secret'])
  t.strictSame(nonces.check(forge(1, 'first secret'), REALM), {
    kind: 'fresh',
    offer: OFFER,
    expiresAtMs: START_MS + 1,
    id: Buffer.from('8 random').toString('base64url'),
  })
})

t.test('a nonce of another version of the layout is bad, though the secret signed it', async (t) => {
  const { nonces } = setUp(['first secret'])
  for (const version of [0, 2, 255]) t.strictSame(nonces.check(forge(version, 'first secret'), REALM), BAD)
})

t.test('a nonce with any one bit changed is bad', async (t) => {
  const { nonces } = setUp()
  const nonce = Buffer.from(nonces.issue(REALM, OFFER), 'base64url')
  t.equal(nonce.length, 33)
  for (let bit = 0; bit < nonce.length * 8; bit++) {
    const changed = Buffer.from(nonce)
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    t.strictSame(nonces.check(changed.toString('base64url'), REALM), BAD, `bit ${bit}`)
  }
})

t.test('a nonce in any other spelling is bad: case, padding, space, another alphabet, cut or lengthened', async (t) => {
  const { nonces } = setUp()
  // Issued until it holds a character that the two alphabets of base64 write differently.
  let nonce = nonces.issue(REALM, OFFER)
  while (!/[-_]/.test(nonce) || !/[a-z]/.test(nonce) || !/[A-Z]/.test(nonce)) nonce = nonces.issue(REALM, OFFER)
  const hex = Buffer.from(nonce, 'base64url').toString('hex')
  const otherAlphabet = nonce.replaceAll('-', '+').replaceAll('_', '/')
  const spellings = [
    nonce.toUpperCase(),
    nonce.toLowerCase(),
    `${nonce}=`,
    `${nonce}\n`,
    ` ${nonce}`,
    otherAlphabet,
    hex,
  ]
  for (const spelling of [...spellings, nonce.slice(0, -1), `${nonce}A`, nonce + nonce, '']) {
    t.strictSame(nonces.check(spelling, REALM), BAD, spelling)
  }
})

t.test('no text is a nonce, and none makes the check throw', async (t) => {
  const { nonces } = setUp()
  const base64url = fc.string({ unit: fc.constantFrom(...'ABab01-_+/='), maxLength: 100 })
  const fortyFour = fc
    .uint8Array({ minLength: 33, maxLength: 33 })
    .map((bytes) => Buffer.from(bytes).toString('base64url'))
  const texts = fc.oneof(fc.string({ unit: 'binary' }), base64url, fortyFour)
  fc.assert(
    fc.property(texts, fc.string({ unit: 'binary' }), (text, realm) => nonces.check(text, realm).kind === 'bad'),
  )
  t.strictSame(nonces.check('A'.repeat(100_000), REALM), BAD)
})

t.test('a nonce signed with another secret is bad', async (t) => {
  t.strictSame(setUp(['one']).nonces.check(setUp(['two']).nonces.issue(REALM, OFFER), REALM), BAD)
})

t.test('secrets are rotated node by node: the first signs, all verify, and a dropped one no longer does', async (t) => {
  const old = setUp(['old']).nonces
  const both = setUp(['new', 'old']).nonces
  const fromOld = old.issue(REALM, OFFER)
  const fromBoth = both.issue(REALM, OFFER)
  t.match(both.check(fromOld, REALM), { kind: 'fresh' })
  t.match(setUp(['old', 'new']).nonces.check(fromBoth, REALM), { kind: 'fresh' })
  t.strictSame(old.check(fromBoth, REALM), BAD)
  old.rotate(['new', 'old'])
  t.match(old.check(fromBoth, REALM), { kind: 'fresh' })
  t.match(old.check(fromOld, REALM), { kind: 'fresh' })
  t.match(setUp(['new']).nonces.check(old.issue(REALM, OFFER), REALM), { kind: 'fresh' }, 'the new one signs')
  old.rotate(['new'])
  t.strictSame(old.check(fromOld, REALM), BAD)
})

t.test('a secret may be longer than a block of the hash, and every character of it counts', async (t) => {
  const long = 'k'.repeat(100)
  const nonce = setUp([`${long}a`]).nonces.issue(REALM, OFFER)
  t.match(setUp([`${long}a`]).nonces.check(nonce, REALM), { kind: 'fresh' })
  t.strictSame(setUp([`${long}b`]).nonces.check(nonce, REALM), BAD)
})

t.test('without a secret, with an empty one, or without a lifetime there are no nonces', async (t) => {
  t.throws(() => setUp([]), RangeError)
  t.throws(() => setUp(['good', '']), RangeError)
  for (const lifetimeSeconds of [0, -1, Number.NaN]) {
    t.throws(() => createNonces({ secrets: ['s'], lifetimeSeconds, now: () => START_MS }), RangeError)
  }
})

t.test('a rotation to no secret is refused and leaves the old ones in force', async (t) => {
  const { nonces } = setUp()
  const nonce = nonces.issue(REALM, OFFER)
  t.throws(() => nonces.rotate([]), RangeError)
  t.match(nonces.check(nonce, REALM), { kind: 'fresh' })
})

t.test('a nonce that was issued before a given moment counts as expired', async (t) => {
  const { clock, nonces } = setUp()
  const nonce = nonces.issue(REALM, OFFER)
  const sees = (notBeforeMs: number) => {
    const common = { secrets: ['first secret'], lifetimeSeconds: LIFETIME_SECONDS, now: () => clock.ms }
    return createNonces({ ...common, notBeforeMs }).check(nonce, REALM).kind
  }
  t.equal(sees(START_MS), 'fresh')
  t.equal(sees(START_MS + 1), 'expired')
})

t.test('a nonce that this node knows already is judged as by one that has never seen it', async (t) => {
  const { clock, nonces } = setUp()
  const nonce = nonces.issue(REALM, OFFER)
  const judge = (text: string, realm: string) => {
    const stranger = createNonces({ secrets: ['first secret'], lifetimeSeconds: LIFETIME_SECONDS, now: () => clock.ms })
    const expected = stranger.check(text, realm)
    t.strictSame(stranger.check(text, realm), expected, 'the second time')
    t.strictSame(nonces.check(text, realm), expected, `${text} for ${realm}`)
    return expected.kind
  }
  t.equal(judge(nonce, REALM), 'fresh')
  t.equal(judge(nonce, REALM.toUpperCase()), 'fresh')
  t.equal(judge(nonce, 'other.example.com'), 'bad')
  t.equal(judge(nonce.toLowerCase(), REALM), 'bad')
  t.equal(judge(`${nonce}=`, REALM), 'bad')
  clock.ms += LIFETIME_SECONDS * 1000
  t.equal(judge(nonce, REALM), 'expired')
})

t.test('a nonce that this node knows already is bad once its secret is dropped, and good again with it', async (t) => {
  const { nonces } = setUp()
  const nonce = nonces.issue(REALM, OFFER)
  t.match(nonces.check(nonce, REALM), { kind: 'fresh' })
  nonces.rotate(['another secret'])
  t.strictSame(nonces.check(nonce, REALM), BAD)
  nonces.rotate(['another secret', 'first secret'])
  t.match(nonces.check(nonce, REALM), { kind: 'fresh' })
})
