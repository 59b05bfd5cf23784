import fc from 'fast-check'
import t from 'tap'
import { equalBytesInConstantTime, equalInConstantTime } from '../../src/digest/equal.js'

t.test('two strings are equal in constant time exactly when they are equal', async (t) => {
  const anyString = fc.string({ unit: 'binary' })
  fc.assert(fc.property(anyString, anyString, (a, b) => equalInConstantTime(a, b) === (a === b)))
  fc.assert(fc.property(anyString, (a) => equalInConstantTime(a, Array.from(a).join(''))))
  t.ok(equalInConstantTime('', ''))
})

t.test('strings that differ in one bit of one character are not equal', async () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.nat(), fc.nat({ max: 15 }), (a, place, bit) => {
      const at = place % a.length
      const flipped = String.fromCharCode(a.charCodeAt(at) ^ (1 << bit))
      return !equalInConstantTime(a, a.slice(0, at) + flipped + a.slice(at + 1))
    }),
  )
})

t.test('strings of other lengths, and strings that only UTF-8 takes for one another, are not equal', async (t) => {
  t.notOk(equalInConstantTime('abc', 'abcd'))
  t.notOk(equalInConstantTime('', 'a'))
  t.notOk(equalInConstantTime('\u00e9', 'e'))
  t.notOk(equalInConstantTime('\ud800', '\ufffd'))
  t.notOk(equalInConstantTime('\ud800', '\udfff'))
})

t.test('so are bytes', async (t) => {
  const anyBytes = fc.uint8Array()
  fc.assert(fc.property(anyBytes, anyBytes, (a, b) => equalBytesInConstantTime(a, b) === (`${a}` === `${b}`)))
  fc.assert(fc.property(anyBytes, (a) => equalBytesInConstantTime(a, Uint8Array.from(a))))
  t.notOk(equalBytesInConstantTime(Uint8Array.of(1), Uint8Array.of(1, 0)))
})
