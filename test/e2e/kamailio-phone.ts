import { answerChallenge } from '../fixtures/digest-answer.js'
import type { Owner } from '../fixtures/process.js'
import { tcpPhone, udpPhone } from '../sip/phone.js'
import { type RequestOptions, type SipAnswer, sipRequest } from '../sip/request.js'
import { type KamailioSystem, PASSWORD } from './kamailio-system.js'

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
  nc?: number
  /** The digest's uri, where it is not the Request-URI. */
  digestUri?: string
}

/** A phone behind Kamailio that writes its requests and reads the answers. */
export interface KamailioPhone {
  port: number
  /** The text of a request, with everything that a phone puts in. */
  write(attempt?: Attempt): string
  /** Sends a request, or its text again, and resolves with the final answer; 100 does not count. */
  ask(attempt?: Attempt | string): Promise<SipAnswer>
  /** Asks without credentials and, if there is a challenge, again with them. */
  logIn(attempt?: Attempt): Promise<SipAnswer>
  /** Whatever comes next, a request to this phone too. */
  receive(): Promise<SipAnswer>
  send(message: string): void
}

/** The challenge in a 401 or 407. */
export function challengeOf(answer: SipAnswer): string {
  return answer.status === 407 ? answer.one('Proxy-Authenticate') : answer.one('WWW-Authenticate')
}

/** Starts a phone on a socket of its own. */
export async function startPhone(
  t: Owner,
  { kamailio }: Pick<KamailioSystem, 'kamailio'>,
  { username, realm, password = PASSWORD }: Login,
  transport: 'udp' | 'tcp' = 'udp',
): Promise<KamailioPhone> {
  const socket = await (transport === 'udp' ? udpPhone : tcpPhone)(t, kamailio.port)
  const address = `<sip:${username}@${realm}>`

  function write({ method = 'REGISTER', challenge, nc, digestUri, lines = [], ...more }: Attempt = {}): string {
    const uri = more.uri ?? `sip:${realm}`
    const via = `SIP/2.0/${transport.toUpperCase()} 127.0.0.1:${socket.port};branch=z9hG4bK${Math.random()};rport`
    const contact = `Contact: <sip:phone@127.0.0.1:${socket.port};transport=${transport}>`
    const name = method === 'REGISTER' ? 'Authorization' : 'Proxy-Authorization'
    const claim = { username, password, method, uri: digestUri ?? uri, ...(nc === undefined ? {} : { nc }) }
    const credentials = challenge === undefined ? [] : [`${name}: ${answerChallenge(challenge, claim)}`]
    return sipRequest(method, {
      ...{ via, from: `${address};tag=f1`, to: address, ...more, uri },
      lines: ['Max-Forwards: 70', contact, ...credentials, ...lines],
    })
  }

  async function ask(attempt: Attempt | string = {}): Promise<SipAnswer> {
    socket.send(typeof attempt === 'string' ? attempt : write(attempt))
    for (;;) {
      const answer = await socket.receive()
      if (answer.status !== 100) return answer
    }
  }

  return {
    ...{ port: socket.port, write, ask, send: socket.send, receive: socket.receive },
    logIn: async (attempt = {}) => {
      const first = await ask(attempt)
      if (first.status !== 401 && first.status !== 407) return first
      return ask({ ...attempt, challenge: challengeOf(first) })
    },
  }
}
