import fc from 'fast-check'
import t from 'tap'
import { AUTHORIZATION_LENGTH_MAX, parseAuthorization, readAuthorization } from '../../src/digest/authorization.js'
import { createCodeReader } from '../../src/digest/codes.js'

const MARK = 'zqmark'

/** A right header in which everything that a stranger chooses holds the mark. */
const HEADER =
  `Digest username="${MARK}", realm="${MARK}.example.com", nonce="${MARK}", uri="sip:${MARK}@x", qop=auth, ` +
  `nc=00000001, cnonce="${MARK}", response="6629fae49393a05397450978507c4ef1", opaque="\\"${MARK}", ` +
  `algorithm=MD5, ${MARK}="${MARK}", ${MARK}=${MARK}`

/** Bytes as the doors hand them over, a character each. */
const bytes = (maxLength: number) =>
  fc.uint8Array({ maxLength, size: 'max' }).map((array) => Buffer.from(array).toString('latin1'))

const piece = fc.oneof(
  bytes(8),
  fc.constantFrom(
    '"',
    '\\',
    ',',
    '=',
    ' ',
    '\t',
    '\r\n',
    '\u0000',
    '\u007f',
    '\u0100',
    '\ud800',
    'Digest ',
    'nc=',
    '=',
  ),
  fc.constantFrom('algorithm=', 'qop=x', 'userhash=true', 'username*=', ', realm=""', `${MARK}`),
)

/** The header with some stretches of it cut out and others put in. */
const mutated = fc
  .array(fc.record({ at: fc.nat(HEADER.length), cut: fc.nat(12), piece }), { minLength: 1, maxLength: 4 })
  .map((edits) => edits.reduce((text, { at, cut, piece }) => text.slice(0, at) + piece + text.slice(at + cut), HEADER))

/** A few characters again and again, up to 64 KiB: what makes a parser that looks back slow. */
const repeated = fc
  .record({ start: fc.constantFrom('', 'Digest ', 'Digest a="', 'Basic '), piece, length: fc.nat(65536) })
  .map(({ start, piece, length }) => start + piece.repeat(length / Math.max(1, piece.length)))

/** A string that counts every character that is looked at or copied out of it. */
class CountingString extends String {
  visits = 0

  override charCodeAt(index: number): number {
    this.visits++
    return super.charCodeAt(index)
  }

  override indexOf(searched: string, start = 0): number {
    const found = super.indexOf(searched, start)
    this.visits += (found < 0 ? this.length : found) - start
    return found
  }

  override slice(start?: number, end?: number): string {
    const copied = super.slice(start, end)
    this.visits += copied.length
    return copied
  }
}

const codesOf = createCodeReader(AUTHORIZATION_LENGTH_MAX)

/** Codes that count how many of them are looked at. */
function countLooks(codes: Uint8Array, look: () => void): Uint8Array {
  return new Proxy(codes, {
    get(codes, place) {
      look()
      return Reflect.get(codes, place, codes)
    },
  })
}

/** Parses the value and returns how many of its characters were visited, repeated visits included. */
function countVisits(value: string): number {
  const counting = new CountingString(value)
  const text = counting as unknown as string
  if (value.length > AUTHORIZATION_LENGTH_MAX) parseAuthorization(text)
  else
    readAuthorization(
      text,
      countLooks(codesOf(value), () => counting.visits++),
    )
  return counting.visits
}

/** What any value must come out as; says what is wrong, if anything. */
function judge(value: string): string | undefined {
  const parsed = parseAuthorization(value)
  if (JSON.stringify(parsed) !== JSON.stringify(parseAuthorization(value)))
    return 'it came out differently the second time'
  if (parsed.kind === 'malformed' || parsed.kind === 'unsupported') {
    if (!/^[\x20-\x7e]+$/.test(parsed.detail) || parsed.detail.includes(MARK)) return `its detail is ${parsed.detail}`
  }
  if (value.length > AUTHORIZATION_LENGTH_MAX && parsed.kind !== 'malformed') return `it is long and ${parsed.kind}`
  const allowed = value.length > AUTHORIZATION_LENGTH_MAX ? 0 : 8 * value.length + 32
  const visits = countVisits(value)
  return visits > allowed ? `${visits} characters were visited in ${value.length}` : undefined
}

function judgeAll(values: fc.Arbitrary<string>, numRuns: number): void {
  fc.assert(
    fc.property(values, (value) => {
      const wrong = judge(value)
      if (wrong !== undefined) throw new Error(wrong)
    }),
    { numRuns },
  )
}

t.test(
  'a right header with stretches cut out and put in never throws and never repeats itself in a detail',
  async () => {
    judgeAll(mutated, 3000)
  },
)

t.test('random bytes of any length up to 64 KiB never throw', async () => {
  judgeAll(bytes(512), 500)
  judgeAll(bytes(65536), 20)
})

t.test('a few characters repeated up to 64 KiB never throw', async () => {
  judgeAll(repeated, 500)
})

t.test('the work is linear in the length, for every value that would make a parser look back', async (t) => {
  const worst = [
    '"',
    '\\',
    ',',
    ' ',
    '\t',
    'a',
    'a=',
    'a=b,',
    'a="",',
    'a="\\"',
    'a = b ,\t',
    'realm="',
    '\u00ff',
    ', ,a="b"',
  ]
  for (const start of ['', 'Digest ', 'Digest a="', 'Digest realm=', 'Basic ']) {
    for (const text of worst) {
      const value = (start + text.repeat(AUTHORIZATION_LENGTH_MAX)).slice(0, AUTHORIZATION_LENGTH_MAX)
      const visits = countVisits(value)
      t.ok(visits <= 8 * value.length, `${JSON.stringify(start + text)}: ${visits} visits`)
    }
  }
  t.ok(countVisits(HEADER) >= HEADER.length, 'visits are counted')
})

t.test('a value over the limit is refused without looking at it', async (t) => {
  t.equal(countVisits(HEADER.padEnd(AUTHORIZATION_LENGTH_MAX + 1)), 0)
})
