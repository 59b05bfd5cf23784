import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { ANSWERED, ANSWERING } from '../answering.js'
import type { Log } from '../log.js'
import { createRequestId, REQUEST_ID_LABEL } from '../request-id.js'
import { BODY_READERS } from './bodies.js'
import { INTERNAL_ERROR } from './fault.js'
import { createLaneAnswerer } from './lane-answer.js'
import { type LaneConnection, type LaneShared, openLaneConnection } from './lane-connection.js'
import { ParameterFault } from './parameters.js'
import type { ShowsToken } from './token-check.js'
import type { Verify } from './verify.js'
import { type HttpAnswer, JSON_TYPE } from './verify-answer.js'
import { readVerifyFormat, type VerifyFormat } from './verify-format.js'

/** Answers `POST /v1/verify` on the connection itself, before node's HTTP parser and Fastify. */
export type Lane = {
  /** Takes nothing new, answers what runs, and ends every other connection that is in the lane. */
  close(): void
}

export type LaneDeps = {
  readonly verify: Verify
  readonly showsToken: ShowsToken
  /** How long an idle connection is kept. */
  readonly keepAliveMs: number
  readonly log: Log
  readonly now: () => number
}

/** How often connections are looked after; a request that is not whole for so long leaves the lane. */
const LOOK_MS = 1_000

const INTERNAL: HttpAnswer = {
  status: 500,
  retryAfterSeconds: undefined,
  contentType: JSON_TYPE,
  body: JSON.stringify({ error: INTERNAL_ERROR }),
}

/**
 * Puts the lane before a server that does not listen yet. It takes requests of one form, that which proxies send. With
 * the first that is of another, whose token is wrong or that takes a second to arrive, the whole connection goes to
 * node's own parser for good, and so does one on which nothing is said at first: node's time limits count from there.
 */
export function openLane(server: Server, { verify, showsToken, keepAliveMs, log, now }: LaneDeps): Lane {
  const nodeListeners = server.listeners('connection') as ((socket: Socket) => void)[]
  const connections = new Map<Socket, LaneConnection>()
  const writeAnswer = createLaneAnswerer({ keepAliveMs, now })
  const readFormat = createFormatReader()
  let closing = false

  function toFault(error: unknown, requestId: string): HttpAnswer {
    log.error({ err: error, [REQUEST_ID_LABEL]: requestId }, 'a request to the lookup API failed')
    return INTERNAL
  }

  const shared: LaneShared = {
    answer({ url, authorization, accept, contentType, body, isKnown }, write) {
      if (closing || !(isKnown || showsToken(authorization))) return false
      const format = readFormat(url, accept)
      if (!format) return false
      const id = createRequestId()
      const answered = verify(() => BODY_READERS[contentType](body), format)
      answered.then(
        (answer) => write(writeAnswer(answer, id)),
        (error) => write(writeAnswer(toFault(error, id), id)),
      )
      return true
    },
    handOver(socket, rest) {
      if (socket.destroyed) return
      socket.pause()
      if (rest.length > 0) socket.unshift(rest)
      for (const listen of nodeListeners) listen.call(server, socket)
      process.nextTick(() => socket.resume())
    },
    refuseEnd(socket) {
      // Whoever answers it destroys the connection with that error.
      socket.on('error', (error) => log.debug({ err: error }, 'a connection was ended within a request'))
      server.emit('clientError', Object.assign(new Error('Parse Error'), { code: 'HPE_INVALID_EOF_STATE' }), socket)
    },
    onAnswering: (socket) => server.emit(ANSWERING, socket),
    onAnswered: (socket) => server.emit(ANSWERED, socket),
    onLeft: (socket) => connections.delete(socket),
    isClosing: () => closing,
    now,
  }

  function look(): void {
    for (const [socket, connection] of connections) {
      if (connection.isAnswering) continue
      const idleMs = now() - connection.since
      if (!connection.isKeptAlive && idleMs >= LOOK_MS) connection.handOver()
      else if (idleMs >= keepAliveMs) socket.destroy()
    }
  }

  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => connections.set(socket, openLaneConnection(socket, shared)))
  const looking = setInterval(look, LOOK_MS).unref()

  return {
    close() {
      closing = true
      clearInterval(looking)
      for (const [socket, { isAnswering }] of connections) if (!isAnswering) socket.destroy()
    },
  }
}

/** Remembers the last one: a proxy asks for the same form each time. Undefined for what is not understood. */
function createFormatReader() {
  let last: { readonly url: string; readonly accept: string | undefined; readonly format: VerifyFormat } | undefined
  return (url: string, accept: string | undefined): VerifyFormat | undefined => {
    if (last && url === last.url && accept === last.accept) return last.format
    try {
      const format = readVerifyFormat(url, accept)
      last = { url, accept, format }
      return format
    } catch (error) {
      if (error instanceof ParameterFault) return undefined
      throw error
    }
  }
}
