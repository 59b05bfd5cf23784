import * as crypto from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { createHmac } from '../../src/digest/hmac.js'

t.test('an HMAC is the one that node:crypto computes, for secrets and messages of any length', async () => {
  const secret = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.nat(200).map((length) => 'k'.repeat(length)),
  )
  fc.assert(
    fc.property(secret, fc.uint8Array({ maxLength: 300 }), (key, message) => {
      const expected = crypto.createHmac('sha256', Buffer.from(key)).update(message).digest('binary')
      return createHmac(key)(message) === expected
    }),
  )
})

t.test('an HMAC is that of RFC 4231 test case 2', async (t) => {
  const hmac = createHmac('Jefe')(Buffer.from('what do ya want for nothing?'))
  t.equal(
    Buffer.from(hmac, 'latin1').toString('hex'),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  )
})

t.test('what one key computed before does not show in what it computes next', async (t) => {
  const hmac = createHmac('secret')
  const first = hmac(Buffer.from('a long message '.repeat(10)))
  t.not(hmac(Buffer.from('another')), first)
  t.equal(hmac(Buffer.from('a long message '.repeat(10))), first)
})
