import t from 'tap'
import { isLowerCaseHex, readHex } from '../../src/digest/hex.js'

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

t.test('codes are of hex digits in lower case exactly when a regular expression says so', async (t) => {
  for (let code = 0; code < 256; code++) {
    const isHex = /[0-9a-f]/.test(String.fromCharCode(code))
    for (let at = 0; at < 3; at++) {
      const codes = Buffer.from('-09af-', 'latin1')
      codes[1 + at] = code
      t.equal(isLowerCaseHex(codes, 1, 5), isHex, `${code} at ${at}`)
    }
  }
  t.ok(isLowerCaseHex(Buffer.from('-'), 1, 1), 'nothing is anything')
})
