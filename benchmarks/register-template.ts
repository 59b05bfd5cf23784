import { computeHa1 } from '../src/digest/ha1.js'
import { hashHex } from '../src/digest/hash.js'
import { nonceOf } from './digest-client.js'

/** One phone's REGISTER as bytes that are sent again and again, its counters and its response written over. */
export type RegisterTemplate = {
  /** The next request: the same Buffer, changed. */
  next(): Buffer
}

/** Digits of what is written over; they begin high enough to have them all. */
const DIGITS = 8
const FIRST_CSEQ = 10_000_000
const CNONCE = '0a4f113b0a4f113b'

let cseq = FIRST_CSEQ

/** Without a challenge the request has no Authorization; `port` is the phone's own. */
export function createRegisterTemplate(user: {
  readonly username: string
  readonly realm: string
  readonly password: string
  readonly port: number
  readonly challenge?: string
}): RegisterTemplate {
  const { username, realm, password, port, challenge } = user
  const uri = `sip:${realm}`
  const nonce = challenge === undefined ? undefined : nonceOf(challenge)
  const zeros = '0'.repeat(DIGITS)
  const authorization =
    nonce === undefined
      ? ''
      : `Authorization: Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", ` +
        `response="${'0'.repeat(32)}", algorithm=MD5, cnonce="${CNONCE}", qop=auth, nc=${zeros}\r\n`
  const bytes = Buffer.from(
    `REGISTER ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${port};rport;branch=z9hG4bK-${zeros}\r\n` +
      `Max-Forwards: 70\r\nFrom: <sip:${username}@${realm}>;tag=${username}\r\nTo: <sip:${username}@${realm}>\r\n` +
      `Call-ID: ${username}@benchmark\r\nCSeq: ${zeros} REGISTER\r\n` +
      `Contact: <sip:${username}@127.0.0.1:${port}>\r\nExpires: 3600\r\nUser-Agent: benchmark\r\n` +
      `${authorization}Content-Length: 0\r\n\r\n`,
    'latin1',
  )
  const [branchAt, cseqAt] = [after(bytes, 'branch=z9hG4bK-'), after(bytes, '\r\nCSeq: ')]
  const [responseAt, ncAt] = [after(bytes, 'response="'), after(bytes, ', nc=')]
  const ha1 = computeHa1('MD5', username, realm, password)
  const ha2 = hashHex('MD5', `REGISTER:${uri}`)
  let count = 0

  return {
    next() {
      const number = `${++cseq}`
      bytes.write(number, branchAt, 'latin1')
      bytes.write(number, cseqAt, 'latin1')
      if (nonce !== undefined) {
        const nc = (++count).toString(16).padStart(DIGITS, '0')
        bytes.write(hashHex('MD5', `${ha1}:${nonce}:${nc}:${CNONCE}:auth:${ha2}`), responseAt, 'latin1')
        bytes.write(nc, ncAt, 'latin1')
      }
      return bytes
    },
  }
}

function after(bytes: Buffer, text: string): number {
  return bytes.indexOf(text, 0, 'latin1') + text.length
}
