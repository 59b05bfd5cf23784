import fc from 'fast-check'
import t from 'tap'
import { ABOVE_ASCII, createCodeReader } from '../../src/digest/codes.js'

t.test('a text is read as a code for each character, with a 0 behind them, whatever was read before', async () => {
  const codesOf = createCodeReader(100)
  fc.assert(
    fc.property(fc.string({ unit: fc.oneof(fc.string({ maxLength: 3 }), fc.string({ unit: 'binary' })) }), (text) => {
      fc.pre(text.length <= 100)
      const codes = codesOf(text)
      const expected = text.split('').map((char) => Math.min(char.charCodeAt(0), ABOVE_ASCII))
      return `${codes.subarray(0, text.length + 1)}` === `${[...expected, 0]}`
    }),
  )
})

t.test('a text of the greatest length is read, of the longest characters too, half ones among them', async (t) => {
  const codesOf = createCodeReader(4)
  for (const text of ['abcd', '\u007f\u0000ab', '\uffff\uffff\uffff\uffff', '\ud800\ud800\udfff\ud800', 'abc\u0080']) {
    const expected = text.split('').map((char) => Math.min(char.charCodeAt(0), ABOVE_ASCII))
    t.same([...codesOf(text).subarray(0, 5)], [...expected, 0], JSON.stringify(text))
  }
})
