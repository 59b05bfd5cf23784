import fc from 'fast-check'
import t from 'tap'
import { Fault } from '../../src/api/fault.js'
import { parseParameters } from '../../src/api/parameters.js'

/** One character a byte, as a request brings it. */
function toBytes(text: string): string {
  return Buffer.from(text).toString('latin1')
}

t.test('what any client encodes is read back as it was', async (t) => {
  const text = fc.string({ unit: 'grapheme' }).filter((each) => !each.includes('\0'))
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(text, text), { selector: ([name]) => name }), (pairs) => {
      const form = new URLSearchParams(pairs).toString()
      t.strictSame([...parseParameters(form)], pairs)
      const percent = pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join('&')
      t.strictSame([...parseParameters(percent)], pairs)
    }),
    { numRuns: 50 },
  )
})

t.test('nothing is trimmed, nested or made anything but text', async (t) => {
  const parameters = parseParameters('a= 1 &b[c]=2&d&=e&f=g=h&__proto__=i&%EF%BB%BFj=k')
  t.strictSame(Object.fromEntries([...parameters].filter(([name]) => name !== '__proto__')), {
    a: ' 1 ',
    'b[c]': '2',
    d: '',
    '': 'e',
    f: 'g=h',
    '\uFEFFj': 'k',
  })
  t.equal(parameters.get('__proto__'), 'i')
  t.equal(parseParameters('').size, 0)
  t.strictSame([...parseParameters(toBytes('ü=é'))], [['ü', 'é']], 'bare UTF-8 is read')
})

t.test('a repeated or broken parameter is refused by its name, never with its value', async (t) => {
  const broken = { 'a=1&b=2&a=1': /^a must not/, 'a=s%': /^a must be/, 'a=s%00': /^a must be/, 'a=s\xff': /^a must be/ }
  for (const [form, message] of Object.entries(broken))
    t.throws(() => parseParameters(form), { code: 'malformed', message })
  t.throws(() => parseParameters('%ff=1'), Fault)
  const long = 'n'.repeat(1000)
  t.throws(() => parseParameters(`${long}=1&${long}=2`), { message: `${'n'.repeat(64)} must not be repeated` })
})
