import t from 'tap'
import { parseBasic } from '../../../src/api/twilio/basic.js'

const encode = (text: string) => Buffer.from(text).toString('base64')

t.test('the example of RFC 7617 section 2 is read', async (t) => {
  const expected = { user: 'Aladdin', password: 'open sesame' }
  t.strictSame(parseBasic('Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='), expected)
  t.strictSame(parseBasic('bAsIc   QWxhZGRpbjpvcGVuIHNlc2FtZQ=='), expected)
})

t.test('a password may hold colons, be empty, and be UTF-8', async (t) => {
  t.strictSame(parseBasic(`Basic ${encode('a:b:c')}`), { user: 'a', password: 'b:c' })
  t.strictSame(parseBasic(`Basic ${encode('a:')}`), { user: 'a', password: '' })
  t.strictSame(parseBasic(`Basic ${encode('test:123£')}`), { user: 'test', password: '123£' })
})

t.test('anything else is nothing', async (t) => {
  const others = ['', 'Basic', 'Basic ', 'Digest x', `Basic ${encode('nocolon')}`, 'Basic a b', 'Basic %', 'BasicQTpi']
  for (const header of [undefined, ...others]) t.equal(parseBasic(header), undefined, String(header))
})
