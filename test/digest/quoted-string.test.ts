import fc from 'fast-check'
import t from 'tap'
import { createCodeReader } from '../../src/digest/codes.js'
import { isControl, quote } from '../../src/digest/quoted-string.js'
import { closingQuote, undoEscapes } from '../../src/digest/scanner.js'

const codesOf = createCodeReader(100)

t.test('a text is quoted, its quotes and backslashes escaped', async (t) => {
  t.equal(quote(''), '""')
  t.equal(quote('sip.example.com'), '"sip.example.com"')
  t.equal(quote('a"b\\c\\"'), '"a\\"b\\\\c\\\\\\""')
})

t.test('no text with a control character is quoted', async (t) => {
  for (const code of [...Array(0x20).keys(), 0x7f]) {
    t.ok(isControl(code))
    t.throws(() => quote(`sip.${String.fromCharCode(code)}example.com`), RangeError, `code ${code}`)
  }
  t.notOk(isControl(0x20) || isControl(0x7e) || isControl(0x80))
})

t.test('whatever is quoted is read back as it was', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      fc.pre(!Array.from(text).some((char) => isControl(char.charCodeAt(0))))
      const quoted = quote(text)
      const end = closingQuote(codesOf(quoted), 1)
      return quoted.startsWith('"') && end === quoted.length - 1 && undoEscapes(quoted.slice(1, end)) === text
    }),
  )
})
