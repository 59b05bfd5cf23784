import fc from 'fast-check'
import t from 'tap'
import { createCodeReader } from '../../src/digest/codes.js'
import { createWords } from '../../src/digest/words.js'

const codesOf = createCodeReader(400)

t.test('a word is found where it stands again, at any place of any text, and no other word is', async () => {
  const words = createWords()
  const kept: string[] = []
  const word = fc.string({ unit: fc.constantFrom(...'ab.'), minLength: 1, maxLength: 70 })
  fc.assert(
    fc.property(word, word, fc.nat(20), fc.boolean(), (one, other, start, keeps) => {
      const text = `${'-'.repeat(start)}${one}"${other}`
      const codes = codesOf(text)
      const found = words.find(codes, start)
      if (keeps) words.keep(one, codes, start)
      kept.push(one)
      return found === undefined || (kept.includes(found) && text.startsWith(found, start))
    }),
    { numRuns: 3000 },
  )
})

t.test('a word that was kept is found, until another takes its place', async (t) => {
  const words = createWords()
  const find = (text: string) => words.find(codesOf(text), 1)
  const keep = (text: string) => words.keep(text.slice(1), codesOf(text), 1)
  t.equal(find('"sip.example.com"'), undefined)
  keep('"sip.example.com')
  t.equal(find('"sip.example.com"'), 'sip.example.com')
  t.equal(find('"sip.example.com"'), 'sip.example.com', 'once more')
  t.equal(find('"sip.example.co"'), undefined)
  keep('"sip.example.org')
  t.equal(find('"sip.example.com"'), undefined)
  t.equal(find('"sip.example.org"'), 'sip.example.org')
  keep(`"x${'x'.repeat(64)}`)
  t.equal(find(`"x${'x'.repeat(64)}"`), undefined, 'a long one is kept nowhere')
})
