import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '../log.js'
import { createRequestId, REQUEST_ID_HEADER, REQUEST_ID_LABEL } from '../request-id.js'
import { SECURE_HEADERS } from '../secure-headers.js'
import { type Dialects, dialectOf } from './dialect.js'
import { type FailureAnswer, toFailure } from './failure.js'
import type { Fault } from './fault.js'
import { splitTarget } from './target.js'

/** Answers failed requests in the dialect of their path, at whatever point they failed. */
export type Answerer = {
  /** Where Fastify has the request. */
  reply(error: unknown, request: FastifyRequest, reply: FastifyReply): void
  /** Where Node has the request and Fastify never gets it. */
  answerRaw(fault: Fault, request: IncomingMessage, response: ServerResponse): void
  /** Where Node's parser gave up, and where the next request would begin is not known: the connection ends. */
  answerSocket(error: unknown, socket: Socket): void
}

const JSON_TYPE = 'application/json; charset=utf-8'

/** Builds the answerer of a server that speaks these dialects. */
export function createAnswerer({ dialects, log }: { dialects: Dialects; log: Log }): Answerer {
  function describe(error: unknown, url: string, requestId: string, invalid?: number): FailureAnswer {
    const { path } = splitTarget(url)
    const answer = dialectOf(dialects, path).answerFailure(toFailure(error), path, invalid)
    return { ...answer, headers: { ...SECURE_HEADERS, [REQUEST_ID_HEADER]: requestId, ...answer.headers } }
  }

  /** For a request that Fastify never numbers. */
  function describeRaw(error: unknown, url: string): FailureAnswer {
    const requestId = createRequestId()
    const answer = describe(error, url, requestId)
    log.debug({ [REQUEST_ID_LABEL]: requestId, status: answer.status }, 'answered')
    return answer
  }

  return {
    reply(error, request, reply) {
      const { code } = toFailure(error)
      if (code === 'internal') request.log.error({ err: error }, 'a request failed')
      if (code === 'unavailable') request.log.warn({ err: error }, 'a request found no store')
      // A URL that no router can read belongs to no route.
      const invalid = request.routeOptions.config?.invalid
      const { status, headers, body } = describe(error, request.raw.url ?? '', request.id, invalid)
      reply.code(status).headers(headers).send(body)
    },

    answerRaw(fault, request, response) {
      const { status, fields, text } = serialize(describeRaw(fault, request.url ?? ''))
      response.writeHead(status, fields).end(text)
    },

    answerSocket(error, socket) {
      if (socket.writable) socket.write(toMessage(describeRaw(error, readTarget(error))))
      socket.destroySoon()
    },
  }
}

/** The request target of a request that Node's parser gave up, where the bytes that it chokes on begin with one. */
function readTarget(error: unknown): string {
  if (!(error instanceof Error && 'rawPacket' in error && Buffer.isBuffer(error.rawPacket))) return ''
  const [line = ''] = error.rawPacket.toString('latin1').split('\r\n', 1)
  return /^[A-Z]+ ([^ ]+)/.exec(line)?.[1] ?? ''
}

/** An answer as it goes out where no framework writes it; the connection ends with it. */
function serialize({ status, headers, body }: FailureAnswer) {
  const text = JSON.stringify(body)
  const length = Buffer.byteLength(text)
  const fields = { ...headers, 'content-type': JSON_TYPE, 'content-length': length, connection: 'close' }
  return { status, fields, text }
}

/** A whole HTTP/1.1 response. */
function toMessage(answer: FailureAnswer): string {
  const { status, fields, text } = serialize(answer)
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${text}`
}
