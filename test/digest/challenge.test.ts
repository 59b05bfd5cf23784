import fc from 'fast-check'
import t from 'tap'
import { PLACES, readAuthParams } from '../../src/digest/auth-params.js'
import { type Challenge, formatChallenge, type Qop } from '../../src/digest/challenge.js'
import { createCodeReader } from '../../src/digest/codes.js'
import { endOfToken } from '../../src/digest/scanner.js'

const codesOf = createCodeReader(400)

const CHALLENGE: Challenge = {
  realm: 'sip.example.com',
  nonce: 'AQGiADWwNwEBN4T6nhNgLEebk0uLITLGZJ3vn4SbP92y',
  algorithm: 'MD5',
  qop: ['auth'],
  stale: false,
}

const START = 'Digest realm="sip.example.com", nonce="AQGiADWwNwEBN4T6nhNgLEebk0uLITLGZJ3vn4SbP92y"'

t.test(
  'a challenge names realm, nonce, algorithm and qop, the algorithm unquoted (RFC 7616 section 3.3)',
  async (t) => {
    t.equal(formatChallenge(CHALLENGE), `${START}, algorithm=MD5, qop="auth"`)
  },
)

t.test('a challenge offers its qops in their order, and has no qop where none is offered', async (t) => {
  t.equal(formatChallenge({ ...CHALLENGE, qop: ['auth', 'auth-int'] }), `${START}, algorithm=MD5, qop="auth,auth-int"`)
  t.equal(formatChallenge({ ...CHALLENGE, qop: ['auth-int', 'auth'] }), `${START}, algorithm=MD5, qop="auth-int,auth"`)
  t.equal(formatChallenge({ ...CHALLENGE, qop: [] }), `${START}, algorithm=MD5`)
})

t.test('a challenge to a stale nonce says so', async (t) => {
  t.equal(formatChallenge({ ...CHALLENGE, stale: true }), `${START}, stale=true, algorithm=MD5, qop="auth"`)
})

t.test(
  'several algorithms are as many header values, which differ in nothing else (RFC 8760 section 2.3)',
  async (t) => {
    const offered = ['SHA-512-256', 'SHA-256', 'MD5'] as const
    t.strictSame(
      offered.map((algorithm) => formatChallenge({ ...CHALLENGE, algorithm })),
      [
        `${START}, algorithm=SHA-512-256, qop="auth"`,
        `${START}, algorithm=SHA-256, qop="auth"`,
        `${START}, algorithm=MD5, qop="auth"`,
      ],
    )
  },
)

t.test('a realm cannot end its quotes, begin a header or end the line', async (t) => {
  const crafted = { ...CHALLENGE, realm: 'x", nonce="mine\\' }
  t.equal(formatChallenge(crafted), formatChallenge(CHALLENGE).replace('sip.example.com', 'x\\", nonce=\\"mine\\\\'))
  t.throws(() => formatChallenge({ ...CHALLENGE, realm: 'x\r\nVia: mine' }), RangeError)
  t.throws(() => formatChallenge({ ...CHALLENGE, nonce: 'x\u0000' }), RangeError)
})

t.test('a client reads the realm that the challenge was made with, whatever it holds', async () => {
  const printable = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) })
  fc.assert(
    fc.property(printable, (realm) => {
      const challenge = formatChallenge({ ...CHALLENGE, realm })
      const codes = codesOf(challenge)
      const read = readAuthParams(challenge, codes, endOfToken(codes, 0))
      return typeof read !== 'string' && read.values[PLACES.realm] === realm
    }),
  )
})

t.test('a challenge is written the same whatever was written before', async () => {
  const [auth, both]: readonly (readonly Qop[])[] = [['auth'], ['auth', 'auth-int']]
  const challenges = fc.record({
    realm: fc.constantFrom('a.example.com', 'b.example.com', `${'c'.repeat(300)}`),
    nonce: fc.constantFrom('one', 'two'),
    algorithm: fc.constantFrom('MD5', 'SHA-256', 'SHA-512-256'),
    qop: fc.oneof(fc.constantFrom(auth, both), fc.constant(['auth'])),
    stale: fc.boolean(),
  }) as fc.Arbitrary<Challenge>
  fc.assert(
    fc.property(challenges, (challenge) => {
      const { realm, nonce, algorithm, qop, stale } = challenge
      const expected = `Digest realm="${realm}", nonce="${nonce}"${stale ? ', stale=true' : ''}, algorithm=${algorithm}`
      return formatChallenge(challenge) === `${expected}, qop="${qop}"`
    }),
    { numRuns: 500 },
  )
})
