import fc from 'fast-check'
import t from 'tap'
import { LIMITS } from '../../src/sip/limits.js'
import { type Reading, readMessage, type SipRequest } from '../../src/sip/message.js'
import { alteredMessage } from './altered-message.js'
import { sipRequest } from './request.js'

function read(text: string): Reading {
  const bytes = Buffer.from(text, 'latin1')
  const end = bytes.indexOf('\r\n\r\n')
  return end < 0 ? readMessage(bytes, Buffer.alloc(0)) : readMessage(bytes.subarray(0, end), bytes.subarray(end + 4))
}

function understood(text: string): SipRequest {
  const reading = read(text)
  if (reading.outcome !== 'request') throw new Error(JSON.stringify(reading))
  return reading.request
}

/** `request`, `dropped`, or status and reason of the refusal. */
function outcome(text: string): string {
  const reading = read(text)
  return reading.outcome === 'refused' ? `${reading.fault.status} ${reading.fault.reason}` : reading.outcome
}

t.test('compact forms, folded lines and blanks before the colon are read like any other', async (t) => {
  const request = understood(
    [
      'REGISTER sip:example.com SIP/2.0',
      'v: SIP / 2.0 / UDP 192.0.2.1:5062 ;branch=z9hG4bKa',
      ' ;rport',
      'f : "Bob, the <Builder>" <sip:bob@example.com>;tag=f1',
      't: Bob <sip:bob@example.com>',
      'i: abc@host',
      'CSeq: 0007',
      '\tREGISTER',
      'm: "a,b" <sip:bob@[2001:db8::1];transport=tcp>;expires=60;q=0.5, sips:bob@192.0.2.1;q=1',
      'l: 0',
      '',
      '',
    ].join('\r\n'),
  )
  t.match(request, { method: 'REGISTER', callId: 'abc@host', cseq: 7, fromTag: 'f1', fromUri: 'sip:bob@example.com' })
  t.same(request.contacts, [
    { uri: 'sip:bob@[2001:db8::1];transport=tcp', expires: '60', q: '0.5' },
    { uri: 'sips:bob@192.0.2.1', expires: undefined, q: '1' },
  ])
  const [via] = request.vias
  t.match(via, { transport: 'UDP', sentBy: '192.0.2.1:5062', port: 5062 })
  t.equal(via.parameters.get('branch'), 'z9hG4bKa')
  t.ok(via.parameters.has('rport'))
})

t.test('several Via headers and several in one header are all kept, in order', async (t) => {
  const lines = ['Via: SIP/2.0/TCP [2001:db8::2]:5061;branch=z9hG4bKb, SIP/2.0/UDP proxy.example.com;branch=z9hG4bKc']
  const { vias } = understood(sipRequest('OPTIONS', { lines }))
  t.same(
    vias.map((via) => via.sentBy),
    ['127.0.0.1:9', '[2001:db8::2]:5061', 'proxy.example.com'],
  )
})

t.test('what is in the body stays bytes, and what comes after Content-Length is left out', async (t) => {
  const text = sipRequest('MESSAGE', { lines: ['Content-Type: text/plain'], body: '\xc3\xa9\r\n\r\nx' })
  const { body } = understood(`${text.replace(/Content-Length: \d+/, 'Content-Length: 2')}`)
  t.same(body, Buffer.from([0xc3, 0xa9]))
})

t.test('a UTF-8 display name comes through byte for byte', async (t) => {
  const from = Buffer.from('Jürgen <sip:bob@example.com>;tag=f1').toString('latin1')
  t.equal(understood(sipRequest('OPTIONS', { from })).from, from)
})

t.test('Authorization values reach the check raw, malformed or not', async (t) => {
  const lines = ['Authorization: Digest a="x  y",,b', 'AUTHORIZATION:', 'Authorization: Basic Zm9v']
  t.same(understood(sipRequest('REGISTER', { lines })).authorizations, ['Digest a="x  y",,b', '', 'Basic Zm9v'])
})

const replaced = (from: string | RegExp, to: string): string => sipRequest('REGISTER', { cseq: 5 }).replace(from, to)

const refused: [what: string, text: string, expected: string][] = [
  ['another SIP version', replaced('SIP/2.0\r', 'SIP/3.0\r'), '505 Version Not Supported'],
  ['two spaces in the request line', replaced('REGISTER ', 'REGISTER  '), '400 Bad Request Line'],
  ['a method with a percent sign', replaced('REGISTER sip', 'REGIS%54ER sip'), '400 Bad Request Line'],
  ['a CSeq of another method', replaced('5 REGISTER', '5 INVITE'), '400 CSeq Names Another Method'],
  ['a CSeq of 2^31', replaced('5 REGISTER', '2147483648 REGISTER'), '400 CSeq Too High'],
  ['two From headers', replaced('Call-ID', 'f: <sip:eve@example.com>;tag=x\r\nCall-ID'), '400 Repeated from'],
  ['two To headers', replaced('Call-ID', 'To: <sip:eve@example.com>\r\nCall-ID'), '400 Repeated to'],
  ['two CSeq headers', replaced('CSeq', 'CSeq: 9 REGISTER\r\nCSeq'), '400 Repeated cseq'],
  ['two Call-ID headers', replaced('CSeq', 'i: other\r\nCSeq'), '400 Repeated call-id'],
  ['two Content-Length headers', replaced('CSeq', 'l: 0\r\nCSeq'), '400 Repeated content-length'],
  ['a negative Content-Length', replaced('Length: 0', 'Length: -1'), '400 Bad Content-Length'],
  ['a fractional Content-Length', replaced('Length: 0', 'Length: 0.5'), '400 Bad Content-Length'],
  ['a Content-Length beyond the body', replaced('Length: 0', 'Length: 10'), '400 Bad Content-Length'],
  ['a header name with a percent sign', replaced('CSeq', '%43all-ID: x\r\nCSeq'), '400 Bad Header Name'],
  ['a line without a colon', replaced('CSeq', 'nonsense\r\nCSeq'), '400 Bad Header Name'],
  ['a Contact * beside another', replaced('CSeq', 'Contact: *, <sip:a@b>\r\nCSeq'), '400 Bad Contact'],
  [
    'a list of 41 contacts',
    replaced('CSeq', `Contact: ${'<sip:a@b>,'.repeat(40)}<sip:a@b>\r\nCSeq`),
    '400 Bad Contact',
  ],
  ['a Require of 4,000 commas', replaced('CSeq', `Require: ${','.repeat(4_000)}\r\nCSeq`), '400 Bad Require'],
  ['an empty Contact', replaced('CSeq', 'Contact:\r\nCSeq'), '400 Bad Contact'],
  ['a Contact of brackets', replaced('CSeq', `Contact: ${'<>,'.repeat(400)}\r\nCSeq`), '400 Bad Contact'],
  [
    'an Authorization over 4 KiB',
    replaced('CSeq', `Authorization: ${'a'.repeat(4097)}\r\nCSeq`),
    '400 authorization Is Too Long',
  ],
  ['a Request-URI over 512 characters', replaced('sip:', `sip:${'a'.repeat(520)}.`), '400 Request-URI Too Long'],
  ['97 lines', replaced('CSeq', `${'X: y\r\n'.repeat(90)}CSeq`), '400 Too Many Lines'],
  [
    'a head over 12 KB',
    replaced('Content-Length', `X: ${'y'.repeat(LIMITS.head)}\r\nContent-Length`),
    '513 Message Too Large',
  ],
]
for (const [what, text, expected] of refused) {
  t.test(`${what} is refused`, async (t) => {
    t.equal(outcome(text), expected)
  })
}

const dropped: [what: string, text: string][] = [
  ['a response', replaced(/^.*\r\n/, 'SIP/2.0 200 OK\r\n')],
  ['a request without Via', replaced(/Via: .*\r\n/, '')],
  ['a Via without a sender', replaced(/Via: .*\r\n/, 'Via: SIP/2.0/UDP\r\n')],
  ['a Via port of 0', replaced('127.0.0.1:9;', '127.0.0.1:0;')],
  ['a request without To', replaced(/To: .*\r\n/, '')],
  ['an escaped line end in CSeq', replaced('5 REGISTER', '5 REGISTER%0D%0AX-Injected:%20yes')],
  ['a bare LF', replaced('CSeq', 'X: a\nCSeq')],
  ['a bare CR', replaced('CSeq', 'X: a\rCSeq')],
  ['a NUL', replaced('CSeq', 'X: a\0\r\nCSeq')],
  ['a control character in a header name', replaced('CSeq', 'To\x01: <sip:eve@example.com>\r\nCSeq')],
  ['a blank in the Call-ID', replaced(/Call-ID: .*\r\n/, 'Call-ID: a b\r\n')],
  ['two tags in From', replaced(';tag=f1', ';tag=f1;tag=f2')],
]
for (const [what, text] of dropped) {
  t.test(`${what} cannot be answered and is dropped`, async (t) => {
    t.equal(outcome(text), 'dropped')
  })
}

t.test('96 lines are read', async (t) => {
  t.equal(outcome(replaced('CSeq', `${'X: y\r\n'.repeat(89)}CSeq`)), 'request')
})

t.test(
  'whatever is done to a message, it is read, refused or dropped, and nothing that was not sent comes out',
  async (t) => {
    t.plan(1)
    const { failed, counterexample } = fc.check(
      fc.property(alteredMessage(), (text) => {
        const reading = read(text)
        if (reading.outcome === 'dropped') return true
        const { callId, from, to, vias } = reading.request
        const echoed = [callId, from, to, ...vias.flatMap((via) => [via.sentBy, via.parameterText])]
        return echoed.every((value) => /^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      }),
      { numRuns: 3_000 },
    )
    t.notOk(failed, JSON.stringify(counterexample))
  },
)
