import { answerChallenge } from '../fixtures/digest-answer.js'
import type { Owner } from '../fixtures/process.js'
import { until } from '../fixtures/until.js'
import { tcpPhone, udpPhone } from '../sip/phone.js'
import { type RequestOptions, type SipAnswer, sipRequest } from '../sip/request.js'
import { PASSWORD } from './twilio-tenant.js'

/** Who a phone logs in as. */
export interface Login {
  username: string
  realm: string
  password?: string
}

/** One request to make; its Request-URI is the realm for REGISTER. */
export interface Attempt extends RequestOptions {
  method?: string
  /** Challenge to answer; without one the request has no credentials. */
  challenge?: string
  /** Header that answers it: what a registrar wants for REGISTER, and a proxy for the rest, unless it is named. */
  answerIn?: 'Authorization' | 'Proxy-Authorization'
  nc?: number
  /** What its Contact header says, and the port of its contact, where that is not its own. */
  contact?: string
  contactPort?: number
  /** The digest's uri, where it is not the Request-URI. */
  digestUri?: string
}

/** A phone of a proxy's or registrar's that writes its requests and reads the answers. */
export interface RegisteringPhone {
  port: number
  /** The text of a request, with everything that a phone puts in. */
  write(attempt?: Attempt): string
  /** Sends a request, or its text again, and resolves with its final answer. */
  ask(attempt?: Attempt | string): Promise<SipAnswer>
  /** Asks without credentials and, if there is a challenge, again with them. */
  logIn(attempt?: Attempt): Promise<SipAnswer>
  /** Whatever comes next; a request to this phone has the status 0. */
  receive(): Promise<SipAnswer>
  send(message: string): void
}

/** The challenge in a 401 or 407. */
export function challengeOf(answer: SipAnswer): string {
  return answer.status === 407 ? answer.one('Proxy-Authenticate') : answer.one('WWW-Authenticate')
}

/** Starts a phone on a socket of its own, for the server at that port of 127.0.0.1. */
export async function startPhone(
  t: Owner,
  server: { readonly port: number },
  { username, realm, password = PASSWORD }: Login,
  transport: 'udp' | 'tcp' = 'udp',
): Promise<RegisteringPhone> {
  const socket = await (transport === 'udp' ? udpPhone : tcpPhone)(t, server.port)
  const address = `<sip:${username}@${realm}>`

  function write(attempt: Attempt = {}): string {
    const { method = 'REGISTER', challenge, nc, digestUri, contactPort = socket.port, lines = [], ...more } = attempt
    const uri = more.uri ?? `sip:${realm}`
    const via = `SIP/2.0/${transport.toUpperCase()} 127.0.0.1:${socket.port};branch=z9hG4bK${Math.random()};rport`
    const { contact = `<sip:phone@127.0.0.1:${contactPort};transport=${transport}>` } = attempt
    const { answerIn: name = method === 'REGISTER' ? 'Authorization' : 'Proxy-Authorization' } = attempt
    const claim = { username, password, method, uri: digestUri ?? uri, ...(nc === undefined ? {} : { nc }) }
    const credentials = challenge === undefined ? [] : [`${name}: ${answerChallenge(challenge, claim)}`]
    return sipRequest(method, {
      ...{ via, from: `${address};tag=f1`, to: address, ...more, uri },
      lines: ['Max-Forwards: 70', `Contact: ${contact}`, ...credentials, ...lines],
    })
  }

  async function ask(attempt: Attempt | string = {}): Promise<SipAnswer> {
    const request = typeof attempt === 'string' ? attempt : write(attempt)
    const [callId, cseq] = ['Call-ID', 'CSeq'].map((name) => headerOf(request, name))
    socket.send(request)
    for (;;) {
      const answer = await socket.receive()
      if (answer.status < 200 || answer.one('Call-ID') !== callId || answer.one('CSeq') !== cseq) continue
      if (answer.status >= 300 && request.startsWith('INVITE ')) socket.send(acknowledge(request, answer))
      return answer
    }
  }

  return {
    ...{ port: socket.port, write, ask, send: socket.send, receive: socket.receive },
    logIn: async (attempt = {}) => {
      const first = await ask(attempt)
      if (first.status !== 401 && first.status !== 407) return first
      const answerIn = first.status === 401 ? 'Authorization' : 'Proxy-Authorization'
      return ask({ ...attempt, challenge: challengeOf(first), answerIn })
    },
  }
}

function headerOf(request: string, name: string): string {
  return new RegExp(`\\r\\n${name}: ([^\\r]*)`).exec(request)?.[1] ?? ''
}

/** The ACK that ends the transaction of an INVITE that was refused (RFC 3261 section 17.1.1.3). */
function acknowledge(invite: string, answer: SipAnswer): string {
  const [, uri] = invite.split(' ')
  const kept = ['Via', 'From', 'Call-ID', 'Max-Forwards'].map((name) => `${name}: ${headerOf(invite, name)}`)
  const cseq = headerOf(invite, 'CSeq').replace('INVITE', 'ACK')
  return [`ACK ${uri} SIP/2.0`, ...kept, `To: ${answer.one('To')}`, `CSeq: ${cseq}`, 'Content-Length: 0', '', ''].join(
    '\r\n',
  )
}

/** Asks again and again until the answer has this status. */
export function askUntil(status: number, ask: () => Promise<SipAnswer>): Promise<SipAnswer> {
  return until(async () => {
    const answer = await ask()
    if (answer.status !== status) throw new Error(`it is still ${answer.status}`)
    return answer
  })
}
