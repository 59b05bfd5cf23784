import { createRequire } from 'node:module'
import fc from 'fast-check'
import t from 'tap'
import { readDatagram } from '../../src/sip/datagram.js'
import type { SipRequest } from '../../src/sip/message.js'
import { createReplyWriter, type Reply } from '../../src/sip/reply.js'
import { alteredMessage } from './altered-message.js'
import { sipRequest } from './request.js'

type PackageAddress = { uri: string; params: Record<string, string | null> }

type PackageRequest = {
  method: string
  uri: string
  headers: {
    from: PackageAddress
    to: PackageAddress
    'call-id': string
    cseq: { seq: number; method: string }
    contact?: PackageAddress[]
  }
}

const sip: {
  parse(message: Buffer): PackageRequest | undefined
  makeResponse(request: object, status: number, reason: string, extension: object): object
  stringify(response: object): string
} = createRequire(import.meta.url)('sip')

/** A request of nothing but what was understood. */
function canonical({ method, uri, fromUri, toUri, callId, cseq, contacts }: SipRequest): string {
  const listed = contacts === '*' ? [] : contacts
  const parameter = (name: string, value: string | undefined) => (value === undefined ? '' : `;${name}=${value}`)
  return [
    `${method} ${uri} SIP/2.0`,
    `From: <${fromUri}>`,
    `To: <${toUri}>`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    ...listed.map(({ uri, expires, q }) => `Contact: <${uri}>${parameter('expires', expires)}${parameter('q', q)}`),
    '',
    '',
  ].join('\r\n')
}

/** The same fields as the package reads them. */
function parsed(text: string) {
  const request = sip.parse(Buffer.from(text, 'latin1'))
  if (request === undefined) return undefined
  const { method, uri, headers } = request
  const contacts = (headers.contact ?? []).map(({ uri, params }) => ({
    ...{ uri, expires: params.expires ?? undefined, q: params.q ?? undefined },
  }))
  const { from, to, cseq } = headers
  return { method, uri, fromUri: from.uri, toUri: to.uri, callId: headers['call-id'], cseq: cseq.seq, contacts }
}

t.test(
  "whatever was done to a request that is understood, the sip package's parser reads of it the same",
  async (t) => {
    let understood = 0
    const { failed, counterexample } = fc.check(
      fc.property(alteredMessage(), (text) => {
        const reading = readDatagram(Buffer.from(text, 'latin1'))
        if (reading?.outcome !== 'request') return true
        understood++
        const { method, uri, fromUri, toUri, callId, cseq, contacts } = reading.request
        const ours = { method, uri, fromUri, toUri, callId, cseq, contacts: contacts === '*' ? [] : contacts }
        return JSON.stringify(parsed(canonical(reading.request))) === JSON.stringify(ours)
      }),
      { numRuns: 5_000 },
    )
    t.notOk(failed, JSON.stringify(counterexample))
    t.ok(understood > 500, `${understood} were understood`)
  },
)

const REPLIES: readonly Reply[] = [
  { status: 200 },
  { status: 200, headers: { contact: '<sip:bob@a>;expires=60, <sip:bob@b>;expires=9;q=0.5' } },
  { status: 200, headers: { allow: 'ACK, BYE', accept: 'application/sdp', supported: '' } },
  {
    status: 401,
    challenges: ['Digest realm="a", nonce="b=", algorithm=MD5', 'Digest realm="a", nonce="c", qop="auth"'],
  },
  { status: 403, reason: 'Too Many Bindings' },
  { status: 420, headers: { unsupported: 'a, b' } },
  { status: 423, headers: { 'min-expires': '60' } },
  { status: 503, headers: { 'retry-after': '5' } },
]

t.test("every answer is written as the sip package's writer writes it", async (t) => {
  const lines = ['Via: SIP/2.0/tcp [2001:db8::2]:5061;branch=z9hG4bKb;x, SIP/2.0/UDP proxy.example.com;branch=z9hG4bKc']
  const reading = readDatagram(Buffer.from(sipRequest('REGISTER', { lines, to: '"B" <sip:bob@example.com>;tag=1' })))
  if (reading?.outcome !== 'request') throw new Error(JSON.stringify(reading))
  const { request } = reading
  const write = createReplyWriter()
  for (const reply of REPLIES) {
    const ours = write(request, reply, { address: '192.0.2.7', port: 5080 })
    const [, reason = ''] = /^SIP\/2\.0 \d+ (.*)\r/.exec(ours) ?? []
    const vias = [...ours.matchAll(/^Via: SIP\/(\S+)\/(\S+) (.*)\r/gm)].map(([, version, protocol, host]) => ({
      ...{ version, protocol, host, params: {} },
    }))
    t.equal(vias.length, 3)
    const { from, to, callId, cseq, method } = request
    const headers = { via: vias, from, to, 'call-id': callId, cseq: { seq: cseq, method } }
    // It joins names and values with `=`.
    const challenges = reply.challenges?.map((text) => {
      const cut = text.indexOf('=')
      return { [text.slice(0, cut)]: text.slice(cut + 1) }
    })
    const extra = { ...reply.headers, ...(challenges && { 'www-authenticate': challenges }) }
    const theirs = sip.makeResponse({ version: '2.0', headers }, reply.status, reason, { headers: extra })
    t.equal(ours, sip.stringify(theirs))
  }
})
