import fc from 'fast-check'
import t from 'tap'
import { parseJson } from '../../src/api/json.js'

const parse = (text: string) => parseJson(Buffer.from(text))

t.test('whatever names no member twice is read as any JSON parser reads it', async (t) => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t', '\r\n'), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      t.strictSame(parse(text), JSON.parse(text))
    }),
    { numRuns: 100 },
  )
})

t.test('a name that stands twice in one object is refused, wherever it stands and however it is written', async (t) => {
  const toEscape = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  const escaped = (name: string) => `"${name.split('').map(toEscape).join('')}"`
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.jsonValue(),
      fc.jsonValue(),
      fc.boolean(),
      (name, one, two, inList) => {
        const object = `{${JSON.stringify(name)}:${JSON.stringify(one)},${escaped(name)} : ${JSON.stringify(two)}}`
        const text = inList ? `[{},${object}]` : `{"outer":${object}}`
        t.throws(() => parse(text), { code: 'malformed', message: `${name.slice(0, 64)} must not be repeated` })
      },
    ),
    { numRuns: 100 },
  )
})

t.test('what is no JSON is refused without a word of it', async (t) => {
  for (const text of ['{"password":"the-secret', '{"password":the-secret}', '"the-secret"]']) {
    t.throws(() => parse(text), { code: 'malformed', message: 'The body must be JSON' })
  }
})
