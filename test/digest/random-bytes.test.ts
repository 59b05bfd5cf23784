import t from 'tap'
import { createRandomBytes } from '../../src/digest/random-bytes.js'

t.test('every draw has the length asked for, and none comes twice, across several refills', async (t) => {
  const randomBytes = createRandomBytes(8)
  const drawn = Array.from({ length: 2000 }, () => {
    const bytes = Buffer.alloc(10)
    randomBytes(bytes, 1)
    t.match(bytes, { 0: 0, 9: 0 }, 'nothing else is written')
    return bytes.toString('hex', 1, 9)
  })
  t.equal(new Set(drawn).size, drawn.length)
  for (let at = 0; at < 16; at += 2)
    t.ok(new Set(drawn.map((hex) => hex.slice(at, at + 2))).size > 200, `byte ${at / 2}`)
})
