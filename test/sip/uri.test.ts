import t from 'tap'
import { comparableUri, parseUri } from '../../src/sip/uri.js'

const read: [text: string, user: string | undefined, host: string, port: number | undefined][] = [
  ['sip:example.com', undefined, 'example.com', undefined],
  ['SIP:Bob@Example.COM', 'Bob', 'example.com', undefined],
  ['sips:bob:secret@example.com:5061;transport=tcp?Subject=x', 'bob', 'example.com', 5061],
  ['sip:bob@[2001:DB8::1]:5060', 'bob', '2001:db8::1', 5060],
  ['sip:+1-212;ext=4?x/y&z@example.com;user=phone', '+1-212;ext=4?x/y&z', 'example.com', undefined],
  ['sip:b%40b@example.com', 'b%40b', 'example.com', undefined],
  ['sip:b@b@example.com', 'b@b', 'example.com', undefined],
]

for (const [text, user, host, port] of read) {
  t.test(`${text} is read, its user part as it is and its host in lower case`, async (t) => {
    const uri = parseUri(text)
    t.match(uri, { user, host, port })
  })
}

for (const text of [
  'tel:+12125551234',
  'sip:',
  'sip:bob@',
  'sip:bob@ex ample',
  'sip:a@b:99999',
  'sip:[::1',
  '',
  'bob',
]) {
  t.test(`"${text}" is no SIP URI`, async (t) => {
    t.equal(parseUri(text), undefined)
  })
}

const comparable = (text: string): string => {
  const uri = parseUri(text)
  if (!uri) throw new Error(text)
  return comparableUri(uri)
}

const same: [a: string, b: string][] = [
  ['sip:alice@AtLanTa.CoM;Transport=tcp', 'sip:alice@atlanta.com;transport=TCP'],
  ['sip:%61lice@atlanta.com', 'sip:alice@atlanta.com'],
  ['sip:alice@atlanta.com;b=2;a=1', 'sip:alice@atlanta.com;a=1;b=2'],
]
for (const [a, b] of same) {
  t.test(`${a} and ${b} are the same contact (RFC 3261 section 19.1.4)`, async (t) => {
    t.equal(comparable(a), comparable(b))
  })
}

const different: [a: string, b: string][] = [
  ['sip:ALICE@atlanta.com', 'sip:alice@atlanta.com'],
  ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
  ['sip:bob@biloxi.com', 'sips:bob@biloxi.com'],
  ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=tcp'],
  ['sip:bob@biloxi.com;line=a', 'sip:bob@biloxi.com;line=b'],
  ['sip:a%40b@biloxi.com', 'sip:a@b@biloxi.com'],
]
for (const [a, b] of different) {
  t.test(`${a} and ${b} are different contacts`, async (t) => {
    t.not(comparable(a), comparable(b))
  })
}
