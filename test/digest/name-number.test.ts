import fc from 'fast-check'
import t from 'tap'
import { PLACES } from '../../src/digest/auth-params.js'
import { numberOf } from '../../src/digest/name-number.js'

const tokenChar = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyzABCXYZ', ..."!#$%&'*+-.^_`|~0123456789")

t.test('the case of a name does not count', async (t) => {
  for (const name of Object.keys(PLACES)) t.strictSame(numberOf(name.toUpperCase()), numberOf(name), name)
})

t.test('no other token, however long, has the number of a name that is read', async () => {
  const names = Object.keys(PLACES)
  const near = fc
    .record({
      name: fc.constantFrom(...names),
      at: fc.nat(9),
      cut: fc.nat(2),
      piece: fc.string({ unit: tokenChar, maxLength: 3 }),
    })
    .map(({ name, at, cut, piece }) => name.slice(0, at) + piece + name.slice(at + cut))
  fc.assert(
    fc.property(fc.oneof(near, fc.string({ unit: tokenChar, maxLength: 300 })), (token) => {
      fc.pre(!names.includes(token.toLowerCase()))
      const { upper, lower } = numberOf(token)
      return !names.some((name) => numberOf(name).upper === upper && numberOf(name).lower === lower)
    }),
    { numRuns: 5000 },
  )
})
