import fc from 'fast-check'
import t from 'tap'
import { parseForm, parseQuery } from '../../src/lookup/encoded.js'
import { readFlatJson } from '../../src/lookup/flat-json.js'
import { filled, flag, ParameterFault, parseJson, single } from '../../src/lookup/parameters.js'
import { findRepeatedName } from '../../src/lookup/repeated-name.js'
import { REALM } from '../auth/phone.js'
import { createRig } from '../auth/rig.js'
import { checkAnswer } from '../fixtures/documented.js'
import { openLookup } from './in-process.js'
import { BEARER } from './proxy.js'

const pairs = fc.array(fc.tuple(fc.string({ minLength: 1, unit: 'grapheme' }), fc.string({ unit: 'grapheme' })))

/** One character for each byte of UTF-8. */
function bytes(text: string): string {
  return Buffer.from(text).toString('latin1')
}

function mapValues<Value, Other>(object: Readonly<Record<string, Value>>, map: (value: Value) => Other) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(value)]))
}

const readJson = (text: string) => parseJson(Buffer.from(text))

t.test('what was percent-encoded comes back byte for byte, in order, every value of each name', (t) => {
  fc.assert(
    fc.property(pairs, (given) => {
      const text = given.map((pair) => pair.map(encodeURIComponent).join('=')).join('&')
      for (const parameters of [parseForm(Buffer.from(text)), parseQuery(`/?${text}`)]) {
        for (const [name] of given) {
          const values = given.filter(([other]) => other === name).map(([, value]) => bytes(value))
          t.strictSame(parameters.get(bytes(name)), values)
        }
      }
    }),
    { numRuns: 50 },
  )
  t.same(Object.fromEntries(parseQuery('/?&&a&=b&c=d=e&')), { a: [''], '': ['b'], c: ['d=e'] })
  t.end()
})

t.test('a plus is a blank in a form and a plus in a query', (t) => {
  t.same(parseForm(Buffer.from('a=1+2%2B3')).get('a'), ['1 2+3'])
  t.same(parseQuery('/?a=1+2%2B3').get('a'), ['1+2+3'])
  t.end()
})

t.test('JSON gives the same parameters as a form would', (t) => {
  const parameters = readJson('{"a":"ü","b":1,"c":true,"d":false,"e":null,"f":["x",null,"y"],"__proto__":"z"}')
  t.same(
    [...parameters],
    [
      ['a', ['Ã¼']],
      ['b', ['1']],
      ['c', ['1']],
      ['d', ['0']],
      ['f', ['x', 'y']],
      ['__proto__', ['z']],
    ],
  )
  t.end()
})

t.test('JSON of strings alone is read as JSON.parse reads it, however it is spelt', (t) => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme-ascii' }),
    fc.constantFrom('ü', '\n', '\u2028'),
    fc.constant('a "b" \\'),
  )
  const object = fc.dictionary(fc.string({ minLength: 1, unit: 'grapheme-ascii' }), text)
  let flat = 0
  fc.assert(
    fc.property(
      object,
      fc.nat(),
      fc.constantFrom('"', '\\', ',', ':', '{', '}', ' ', '\n', 'x', ''),
      (given, at, other) => {
        const json = JSON.stringify(given)
        const expected = Object.entries(JSON.parse(json) as Record<string, string>).map(([name, value]) => {
          return [bytes(name), [bytes(value)]]
        })
        for (const spelt of [json, JSON.stringify(given, null, 1)]) t.strictSame([...readJson(spelt)], expected)
        // What has a fault, or is spelt otherwise, is not taken for what is flat.
        const place = at % (json.length + 1)
        const altered = Buffer.from(`${json.slice(0, place)}${other}${json.slice(place + 1)}`)
        const read = readFlatJson(altered)
        if (!read) return
        flat++
        t.equal(findRepeatedName(altered.toString()), undefined)
        t.strictSame(
          Object.fromEntries(read),
          mapValues(JSON.parse(altered.toString()) as Record<string, string>, (value) => [bytes(value)]),
        )
      },
    ),
    { numRuns: 300 },
  )
  t.ok(flat > 5, `${flat} were flat`)
  t.equal(readFlatJson(Buffer.from('{"a":"1","a":"2"}')), undefined)
  t.end()
})

t.test('a parameter is read once, and a switch is 1, 0, empty or absent', (t) => {
  const parameters = parseQuery('/?on=1&off=0&empty=&odd=2&twice=1&twice=1')
  t.equal(single(parameters, 'empty'), '')
  t.equal(filled(parameters, 'empty'), undefined)
  t.same(
    ['on', 'off', 'empty', 'absent'].map((name) => flag(parameters, name)),
    [true, false, false, false],
  )
  t.throws(() => flag(parameters, 'odd'), { name: 'ParameterFault', message: /^odd must be 1/ })
  t.throws(() => single(parameters, 'twice'), { name: 'ParameterFault', message: /^twice must not be repeated/ })
  t.end()
})

t.test('no text makes a reader throw anything but a fault of the parameters', (t) => {
  const reads = [(text: string) => parseForm(Buffer.from(text, 'latin1')), readJson]
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.json().map((json) => json.slice(1)),
  )
  fc.assert(
    fc.property(texts, (text) => {
      for (const read of reads) {
        try {
          read(text)
        } catch (error) {
          if (!(error instanceof ParameterFault)) throw error
        }
      }
    }),
    { numRuns: 500 },
  )
  t.end()
})

t.test('whatever a proxy sends, the answer is a verdict or a refusal, and never a fault of ours', async (t) => {
  const { server } = await openLookup(t, createRig())
  const value = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('REGISTER', REALM, '<null>', 'Digest ', '1'))
  const names = ['method', 'realm', 'domain', 'authorization', 'uri', 'body', 'proxy', 'identity', 'source_ip']
  const fields = fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 6 })
  const seen = new Set<number>()
  await fc.assert(
    fc.asyncProperty(fields, fc.boolean(), async (given, asJson) => {
      const form = given.map(([name, text]) => `${name}=${escapeBytes(text)}`).join('&')
      const answered = await server.inject({
        method: 'POST',
        url: '/v1/verify',
        headers: { ...BEARER, 'content-type': asJson ? 'application/json' : 'application/x-www-form-urlencoded' },
        payload: asJson ? JSON.stringify(Object.fromEntries(given)) : form,
      })
      seen.add(answered.statusCode)
      const contentType = String(answered.headers['content-type'])
      checkAnswer({ method: 'POST', url: '/v1/verify', status: answered.statusCode, contentType, text: answered.body })
      const { status, reason, headers } = answered.json()
      if (answered.statusCode !== status || typeof reason !== 'string') throw new Error(answered.body)
      if (headers.some((line: string) => /[\r\n]/.test(line))) throw new Error(`a line within a line: ${answered.body}`)
    }),
    { numRuns: 400 },
  )
  t.ok(seen.has(400) && seen.has(401), 'some are understood, some are not')
  t.same(
    [...seen].filter((status) => ![400, 401, 407].includes(status)),
    [],
  )
})

/** Every byte percent-encoded. */
function escapeBytes(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
}
