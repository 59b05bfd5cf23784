import t from 'tap'
import { createRandomBytes } from '../../src/digest/random-bytes.js'

t.test('every draw has the length asked for, and none comes twice, across several refills', async (t) => {
  const randomBytes = createRandomBytes(8)
  const drawn = Array.from({ length: 2000 }, () => Buffer.from(randomBytes()).toString('hex'))
  t.equal(new Set(drawn).size, drawn.length)
  t.ok(drawn.every((hex) => hex.length === 16))
})
