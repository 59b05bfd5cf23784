import t from 'tap'
import { readHex } from '../../src/digest/hex.js'

t.test('hex digits of either case are read as the number that they count to', async (t) => {
  for (const text of ['0', '00000001', 'ff', 'FF', '0123abcD', 'ffffffff', '1fffffffffffff']) {
    t.equal(readHex(text), Number.parseInt(text, 16), text)
  }
})

t.test('whatever is no hex digit is read as nothing', async (t) => {
  for (const text of ['g', '0x1', ' 1', '1 ', '-1', '/', ':', '@', '`', 'G', '\u0131', '\ud800', '\u0660']) {
    t.equal(readHex(text), undefined, JSON.stringify(text))
  }
})
