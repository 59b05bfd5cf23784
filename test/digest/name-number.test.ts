import fc from 'fast-check'
import t from 'tap'
import { PLACES } from '../../src/digest/auth-params.js'
import { createCodeReader } from '../../src/digest/codes.js'
import { numberOf } from '../../src/digest/name-number.js'
import { createNameTable, NO_NAME } from '../../src/digest/name-table.js'

const NAMES = Object.keys(PLACES)
const codesOf = createCodeReader(400)
const indexOf = createNameTable(NAMES)
const find = (token: string) => indexOf(numberOf(token), codesOf(`;${token}=`), 1, token.length + 1)

const tokenChar = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyzABCXYZ', ..."!#$%&'*+-.^_`|~0123456789")

t.test('a name is found by its number, in any case', async (t) => {
  for (const [index, name] of NAMES.entries()) {
    t.equal(numberOf(name.toUpperCase()), numberOf(name), name)
    t.equal(find(name), index, name)
    t.equal(find(name.toUpperCase()), index, name)
  }
})

t.test('no other token, however long, is taken for a name that is read', async () => {
  const near = fc
    .record({
      name: fc.constantFrom(...NAMES),
      at: fc.nat(9),
      cut: fc.nat(2),
      piece: fc.string({ unit: tokenChar, maxLength: 3 }),
    })
    .map(({ name, at, cut, piece }) => name.slice(0, at) + piece + name.slice(at + cut))
  const ended = fc
    .tuple(fc.string({ unit: tokenChar, maxLength: 9 }), fc.constantFrom(...NAMES), fc.nat(8))
    .map(([start, name, at]) => start + name.slice(at))
  fc.assert(
    fc.property(fc.oneof(near, ended, fc.string({ unit: tokenChar, maxLength: 300 })), (token) => {
      fc.pre(!NAMES.includes(token.toLowerCase()))
      return find(token) === NO_NAME
    }),
    { numRuns: 10_000 },
  )
})

t.test('a table is not made of names that one number stands for', async (t) => {
  t.throws(() => createNameTable(['realm', 'nc', 'REALM']), RangeError)
})
