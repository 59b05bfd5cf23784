import fc from 'fast-check'
import t from 'tap'
import { ALGORITHMS, type HashAlgorithm } from '../../src/digest/algorithm.js'
import { parseAuthorization } from '../../src/digest/authorization.js'
import type { Qop } from '../../src/digest/challenge.js'
import { equalInConstantTime } from '../../src/digest/equal.js'
import { computeHa1 } from '../../src/digest/ha1.js'
import { computeResponse, type ResponseInput } from '../../src/digest/response.js'

/** Any character that may stand in a header: ASCII without controls, and the bytes above it. */
const char = fc
  .oneof({ weight: 9, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) }, fc.integer({ min: 0x80, max: 0xff }))
  .map((code) => String.fromCharCode(code))
const text = fc.string({ unit: char, maxLength: 24 })
const someText = fc.string({ unit: char, minLength: 1, maxLength: 24 })

const claims = fc.record({
  username: someText,
  password: text,
  realm: text,
  nonce: someText,
  uri: someText,
  method: fc.constantFrom('REGISTER', 'INVITE', 'MESSAGE'),
  algorithm: fc.constantFrom(...(Object.keys(ALGORITHMS) as HashAlgorithm[])),
  session: fc.boolean(),
  qop: fc.constantFrom<(Qop | undefined)[]>(undefined, 'auth', 'auth-int'),
  nc: fc.integer({ min: 0, max: 0xffffffff }).map((count) => count.toString(16).padStart(8, '0')),
  cnonce: text,
  opaque: fc.option(text, { nil: undefined }),
  body: fc.option(fc.uint8Array({ maxLength: 64 }), { nil: undefined }),
})

/** The choices of spelling that a client is free to make, each a number drawn as it is needed. */
type Draw = (max: number) => number
const choices = fc.infiniteStream(fc.nat()).map(
  (stream): Draw =>
    (max) =>
      Number(stream.next().value) % (max + 1),
)

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const SPACES = ['', ' ', '\t', '  \t ']

function respell(word: string, draw: Draw): string {
  return Array.from(word, (char) => (draw(1) ? char.toUpperCase() : char.toLowerCase())).join('')
}

function space(draw: Draw): string {
  return SPACES[draw(SPACES.length - 1)] ?? ''
}

function writeValue(value: string, draw: Draw): string {
  if (TOKEN.test(value) && draw(1)) return value
  return `"${Array.from(value, (char) => (/["\\]/.test(char) || !draw(9) ? `\\${char}` : char)).join('')}"`
}

function writeHeader(params: readonly (readonly [name: string, value: string])[], draw: Draw): string {
  const order = params.map((param) => ({ param, rank: draw(1e9) })).sort((a, b) => a.rank - b.rank)
  const elements = order.map(({ param: [name, value] }) => {
    return `${respell(name, draw)}${space(draw)}=${space(draw)}${writeValue(value, draw)}`
  })
  const separated = elements.map((element) => `${element}${space(draw)},${space(draw)}${draw(5) ? '' : ', ,'}`)
  return `${respell('Digest', draw)} ${space(draw)}${separated.join('')}`
}

const requests = fc.tuple(claims, choices).map(([claim, draw]) => {
  const { username, realm, password, algorithm, session, qop, nc, cnonce, opaque } = claim
  const ncText = respell(nc, draw)
  const input: ResponseInput = { ...claim, nc: ncText, ha1: computeHa1(algorithm, username, realm, password) }
  const response = computeResponse(input)
  const params: [string, string][] = [
    ['username', username],
    ['realm', realm],
    ['nonce', claim.nonce],
    ['uri', claim.uri],
    ['response', respell(response, draw)],
    ['cnonce', cnonce],
    ['x-unknown', realm],
  ]
  if (qop !== undefined) params.push(['qop', qop], ['nc', ncText])
  if (opaque !== undefined) params.push(['opaque', opaque])
  if (algorithm !== 'MD5' || session) params.push(['algorithm', respell(algorithm + (session ? '-sess' : ''), draw)])
  return { claim, input, response, header: writeHeader(params, draw), draw }
})

t.test('a header in any spelling gives back what its client meant, and its response verifies', async (t) => {
  fc.assert(
    fc.property(requests, ({ claim, input, response, header }) => {
      const parsed = parseAuthorization(header)
      if (parsed.kind !== 'digest') return t.fail(`${parsed.kind} for ${JSON.stringify(header)}`)
      const { username, realm, nonce, uri, algorithm, session, qop, cnonce, opaque } = claim
      const nc = qop && { text: input.nc, count: Number.parseInt(claim.nc, 16) }
      const { authorization } = parsed
      const meant = { username, realm, nonce, uri, response, algorithm, session, qop, nc, cnonce, opaque }
      t.strictSame(authorization, meant)
      const { method, ha1, body } = input
      return equalInConstantTime(
        computeResponse({ ...authorization, nc: authorization.nc?.text, method, ha1, body }),
        authorization.response,
      )
    }),
  )
})

/** The texts that enter this response; a qop's own fields enter only with it. */
function fieldsThatCount({ qop, session }: ResponseInput): ('ha1' | 'nonce' | 'method' | 'uri' | 'nc' | 'cnonce')[] {
  const withQop = qop === undefined ? [] : (['nc'] as const)
  const withCnonce = qop === undefined && !session ? [] : (['cnonce'] as const)
  return ['ha1', 'nonce', 'method', 'uri', ...withQop, ...withCnonce]
}

function flipBit(value: string, draw: Draw): string {
  const at = draw(value.length - 1)
  return value.slice(0, at) + String.fromCharCode(value.charCodeAt(at) ^ (1 << draw(7))) + value.slice(at + 1)
}

t.test('a response does not verify once any one bit of what it was computed from has changed', async () => {
  fc.assert(
    fc.property(requests, ({ input, response, draw }) =>
      fieldsThatCount(input).every((field) => {
        const value = input[field]
        if (value === undefined || value === '') return true
        return !equalInConstantTime(computeResponse({ ...input, [field]: flipBit(value, draw) }), response)
      }),
    ),
  )
})

t.test('a response with any one bit changed does not verify', async () => {
  fc.assert(fc.property(requests, ({ response, draw }) => !equalInConstantTime(flipBit(response, draw), response)))
})

t.test('with auth-int, a body with any one bit changed does not verify', async () => {
  const body = fc.uint8Array({ minLength: 1, maxLength: 64 })
  fc.assert(
    fc.property(requests, body, fc.nat(), ({ input, draw }, sent, place) => {
      const signed = { ...input, qop: 'auth-int', body: sent } as const
      const changed = sent.slice()
      changed[place % sent.length] = (changed[place % sent.length] ?? 0) ^ (1 << draw(7))
      return !equalInConstantTime(computeResponse({ ...signed, body: changed }), computeResponse(signed))
    }),
  )
})
