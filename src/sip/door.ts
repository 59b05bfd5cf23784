import type { Authenticator } from '../auth/authenticator.js'
import { createRareWarning, OUTAGE_QUIET_MS } from '../auth/rare-warning.js'
import type { Admission } from '../auth/verdict.js'
import type { Log } from '../log.js'
import type { Metrics } from '../metrics.js'
import type { Answerable } from './answerable.js'
import type { Bindings } from './bindings.js'
import { createInFlight } from './in-flight.js'
import type { Limits } from './limits.js'
import type { Reading, SipRequest } from './message.js'
import { redirect } from './redirect.js'
import { createRefusals } from './refusals.js'
import { createRegistration, type Registration } from './register.js'
import { createReplyWriter, type Reply, type Source } from './reply.js'
import { readSubject } from './subject.js'
import { createTransactions, transactionKey } from './transactions.js'
import { refusalReply, unavailable } from './verdict-reply.js'
import type { Via } from './via.js'

/** The way back to who sent a message. */
export type Channel = {
  readonly source: Source
  readonly transport: 'UDP' | 'TCP' | 'TLS' | 'WS'
  /** Sends an answer, a character for each byte; `top` is the topmost Via of its request. Never throws. */
  send(answer: string, top: Via): void
}

/** Where messages of all transports come in. */
export type SipDoor = {
  /** Never throws. */
  receive(reading: Reading, channel: Channel): void
  /** Resolves when nothing is being answered, or after the limit for draining. */
  drain(): Promise<void>
  /** Forgets all transactions. */
  destroy(): void
}

/** What the door is built on; `now` is in milliseconds. */
export type SipDoorDeps = {
  readonly authenticator: Authenticator
  readonly bindings: Bindings
  readonly nextHop: string | undefined
  readonly metrics: Pick<Metrics, 'bindingsFailed'>
  readonly log: Log
  readonly now: () => number
  readonly limits: Limits
}

/** RFC 3261 section 11.2. No extension is supported, which an empty Supported says. */
const CAPABILITIES = {
  status: 200,
  headers: {
    allow:
      'ACK, BYE, CANCEL, INFO, INVITE, MESSAGE, NOTIFY, OPTIONS, PRACK, PUBLISH, REFER, REGISTER, SUBSCRIBE, UPDATE',
    accept: 'application/sdp',
    supported: '',
  },
} as const satisfies Reply

/** Seconds after which to come again when requests or stores are too much for this node. */
const RETRY_SECONDS = 5

/** How often one fault of the stores is logged, in milliseconds: a storm of REGISTERs is no storm of lines. */
const LOG_EVERY_MS = 1_000

/**
 * Decides what every request is answered: without state where there was no Authorization to check; where it was right,
 * in a transaction; where it was not, with an answer that is kept on UDP. So a retransmission is never checked twice,
 * and one wrong password is one failure, however often its request is sent.
 */
export function createSipDoor(deps: SipDoorDeps): SipDoor {
  const { authenticator, metrics, log, now, limits } = deps
  const write = createReplyWriter()
  const transactions = createTransactions({ limits, now })
  const refusals = createRefusals({ limits, now })
  const inFlight = createInFlight()
  const warnOfStore = createRareWarning({
    text: 'bindings could not be read or changed',
    log,
    now,
    quietMs: OUTAGE_QUIET_MS,
  })
  let lastLogged = Number.NEGATIVE_INFINITY

  const logFault = (error: unknown, what: string): void => {
    if (now() - lastLogged < LOG_EVERY_MS) return
    lastLogged = now()
    log.error({ err: error }, what)
  }

  const answer = (request: Answerable, reply: Reply, channel: Channel): void =>
    channel.send(write(request, reply, channel.source), request.vias[0])

  /** What needs no check; undefined for what does. */
  const uncheckedReply = (request: SipRequest): Reply | undefined => {
    if (request.require.length > 0) return { status: 420, headers: { unsupported: request.require.join(', ') } }
    if (request.method === 'OPTIONS') return CAPABILITIES
    return inFlight.size < limits.inFlight ? undefined : unavailable(RETRY_SECONDS)
  }

  const refuse = (request: SipRequest, reply: Reply, key: string, channel: Channel): void => {
    const text = write(request, reply, channel.source)
    if (mayComeAgain(request, channel)) refusals.keep(key, request.authorizations, text)
    channel.send(text, request.vias[0])
  }

  /** Answers a retransmission of what was refused; false where it is none. */
  const refuseAgain = (request: SipRequest, key: string, channel: Channel): boolean => {
    const kept = mayComeAgain(request, channel) ? refusals.find(key, request.authorizations) : undefined
    if (kept) channel.send(kept, request.vias[0])
    return kept !== undefined
  }

  /** Answers what was let in; at once where nothing has to be waited for. */
  const serve = (
    request: SipRequest,
    admission: Admission,
    registration: Registration | undefined,
  ): Reply | Promise<Reply> => {
    const reply = registration ? registration.answer(admission) : redirect(deps, request, admission)
    return reply instanceof Promise ? reply.catch(unreachable) : reply
  }

  const unreachable = (error: unknown): Reply => {
    metrics.bindingsFailed.inc()
    warnOfStore(error)
    return unavailable(RETRY_SECONDS)
  }

  const check = async (request: SipRequest, key: string, channel: Channel): Promise<void> => {
    const subject = readSubject(request)
    if ('status' in subject) return answer(request, subject, channel)
    const registration = request.method === 'REGISTER' ? createRegistration(deps, request, subject) : undefined
    const checked = authenticator.verify('sip', {
      method: request.method,
      domain: subject.domain,
      identity: subject.identity,
      authorizations: request.authorizations,
      uri: request.uri,
      body: request.body,
      sourceIp: channel.source.address,
      userAgent: request.userAgent,
      callId: request.callId,
      companion: registration?.companion,
    })
    const verdict = checked instanceof Promise ? await checked : checked
    if (verdict.reason !== 'ok') return refuse(request, refusalReply(verdict), key, channel)
    const reply = serve(request, verdict, registration)
    const text = write(request, reply instanceof Promise ? await reply : reply, channel.source)
    const reliable = channel.transport !== 'UDP'
    transactions.complete(key, request.method, { text, reliable, send: sender(channel, request.vias[0]) })
  }

  const begin = async (request: SipRequest, key: string, channel: Channel): Promise<void> => {
    inFlight.add(key)
    try {
      await check(request, key, channel)
    } catch (error) {
      logFault(error, 'a request could not be answered')
      answer(request, { status: 500 }, channel)
    } finally {
      inFlight.delete(key)
    }
  }

  const receiveRequest = (request: SipRequest, channel: Channel): void => {
    const key = transactionKey(request, channel.transport, channel.source)
    if (request.method === 'CANCEL') {
      answer(request, { status: transactions.has(key) || inFlight.has(key) ? 200 : 481 }, channel)
      return
    }
    const send = (text: string): void => channel.send(text, request.vias[0])
    if (transactions.absorb(key, request.method, send) || inFlight.has(key) || request.method === 'ACK') return
    if (refuseAgain(request, key, channel)) return
    const reply = uncheckedReply(request)
    if (reply) answer(request, reply, channel)
    else void begin(request, key, channel)
  }

  return {
    receive(reading, channel) {
      try {
        if (reading.outcome === 'request') receiveRequest(reading.request, channel)
        else if (reading.outcome === 'dropped') log.debug({ why: reading.why }, 'a message was dropped')
        else if (reading.request.method !== 'ACK') answer(reading.request, reading.fault, channel)
      } catch (error) {
        logFault(error, 'a message could not be handled')
      }
    },
    drain: () => inFlight.empty(limits.drainMs),
    destroy: transactions.destroy,
  }
}

/** A challenge for a request without Authorization needs no memory, and no transport but UDP sends anything again. */
function mayComeAgain({ authorizations }: SipRequest, { transport }: Channel): boolean {
  return transport === 'UDP' && authorizations.length > 0
}

/** Made apart from the request, which would otherwise live as long as its transaction. */
function sender(channel: Channel, top: Via): (text: string) => void {
  return (text) => channel.send(text, top)
}
