import t from 'tap'
import { type RealmChoice, toCandidate } from '../../src/bulk/candidate.js'
import type { SourceRow } from '../../src/bulk/source-row.js'
import { computeHa1s } from '../../src/provision/ha1s.js'
import { Secret } from '../../src/secret.js'

const REALM = 'sip.example.com'
const PASSWORD = 'x'
const made = computeHa1s('alice', REALM, PASSWORD)

/** Checks a row of alice's, who has what is given. */
function check(given: Partial<Omit<SourceRow, 'password'>> & { password?: string }, choice: RealmChoice = {}) {
  const { password, ...rest } = given
  const plain = { line: 1, username: 'alice', realm: REALM, ha1s: {}, enabled: '', account: '', list: '' }
  const secret = password === undefined ? undefined : new Secret(password)
  return toCandidate({ ...plain, description: undefined, ...rest, password: secret }, choice)
}

const accepted = (ha1s: object, realm = REALM) => ({
  realm,
  input: { username: 'alice', ha1s, enabled: undefined, description: undefined },
})

t.test('a clear password becomes all six HA1s, however weak it is', async (t) => {
  t.same(check({ password: PASSWORD }), accepted(made))
  t.same(check({ password: 'ü'.repeat(256) }), accepted(computeHa1s('alice', REALM, 'ü'.repeat(256))))
})

t.test('HA1s are taken as they are, in lower case', async (t) => {
  const { ha1, ha1b, ha1_sha256 } = made
  t.same(check({ ha1s: { ha1: ha1.toUpperCase(), ha1b, ha1_sha256 } }), accepted({ ha1, ha1b, ha1_sha256 }))
})

t.test('a password and HA1s of the same are taken, of another refused', async (t) => {
  t.same(check({ password: PASSWORD, ha1s: made }), accepted(made))
  for (const field of ['ha1', 'ha1b', 'ha1_sha512_256'] as const) {
    const other = { [field]: computeHa1s('alice', REALM, 'y')[field] }
    t.same(check({ password: PASSWORD, ha1s: other }), { refused: `its password and its ${field} differ` })
  }
})

t.test('an HA1 fits one spelling of the realm: with a password it is made anew, without it is refused', async (t) => {
  const spelled = computeHa1s('alice', 'SIP.example.com', PASSWORD)
  t.same(check({ realm: 'SIP.example.com', password: PASSWORD, ha1s: spelled }), accepted(made))
  const refused = 'its HA1 was made with upper-case letters in the realm, and challenges have none'
  t.same(check({ realm: 'SIP.example.com', ha1s: { ha1: spelled.ha1 } }), { refused })
})

t.test("a realm on the command line takes the place of the row's, or stands in for it", async (t) => {
  const other = 'other.example.com'
  const ofOther = computeHa1s('alice', other, PASSWORD)
  t.same(check({ password: PASSWORD }, { always: other }), accepted(ofOther, other))
  t.same(check({ password: PASSWORD }, { otherwise: other }), accepted(made))
  t.same(check({ realm: '', password: PASSWORD }, { otherwise: other }), accepted(ofOther, other))
  t.same(check({ realm: '', password: PASSWORD }), { refused: 'has no realm: --default-realm or --realm gives one' })
  // `alice@sip.example.com` is not how anybody logs in at that realm.
  t.same(
    check({ ha1s: { ha1: ofOther.ha1, ha1b: made.ha1b } }, { always: other }),
    accepted({ ha1: ofOther.ha1 }, other),
  )
})

t.test('what breaks a rule is refused with the rule, and without anything secret', async (t) => {
  const { ha1 } = made
  const rows: readonly (readonly [Parameters<typeof check>[0], RegExp])[] = [
    [{ username: '', password: 'secret' }, /^has no user name$/],
    [{ username: 'al ice', password: 'secret' }, /^its user name is not 1 to 64 characters out of/],
    [{ username: 'a'.repeat(65), password: 'secret' }, /^its user name is not/],
    [{ realm: 'sip_example', password: 'secret' }, /^its realm is not a host name/],
    [{}, /^has neither a password nor an MD5 HA1$/],
    [{ ha1s: { ha1_sha256: made.ha1_sha256 } }, /^has neither a password nor an MD5 HA1$/],
    [{ ha1s: { ha1: ha1.slice(1) } }, /^its ha1 is not 32 hex digits$/],
    [{ ha1s: { ha1: `${ha1.slice(1)}g` } }, /^its ha1 is not 32 hex digits$/],
    [{ ha1s: { ha1, ha1_sha512_256: ha1 } }, /^its ha1_sha512_256 is not 64 hex digits$/],
    [{ password: 'secret'.repeat(50) }, /^its password exceeds 256 characters$/],
    [{ password: 'secret\ufffd' }, /^its password is not UTF-8$/],
    [{ password: 'secret\0' }, /^holds a NUL$/],
    [{ password: 'secret', enabled: 'maybe' }, /^its column enabled is neither true nor false$/],
    [{ password: 'secret', description: 'd'.repeat(256) }, /^its description exceeds 255 characters$/],
  ]
  for (const [row, reason] of rows) {
    const refused = check(row)
    t.match(refused, { refused: reason })
    t.notMatch(JSON.stringify(refused), new RegExp(`secret|${ha1.slice(1)}`))
  }
})

t.test('enabled is read in the ways of CSV dumps, and left open where it is not given', async (t) => {
  for (const [text, enabled] of Object.entries({ true: true, T: true, 1: true, FALSE: false, f: false, 0: false })) {
    t.match(check({ password: PASSWORD, enabled: text, description: 'd' }), { input: { enabled, description: 'd' } })
  }
})
