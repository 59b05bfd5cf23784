import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyHttpOptions, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { answerOnSocket } from './client-error.js'
import { type FailureAnswer, toFailure } from './failure.js'
import { Fault } from './fault.js'
import type { Route } from './operation.js'
import { parseParameters } from './parameters.js'
import { createMissJudge } from './routing.js'
import { parseTarget, splitTarget } from './target.js'
import { answerTwilioFailure } from './twilio/errors.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The dialect's code of a validation error on this route. */
    invalid?: number
  }
}

const BODY_BYTES_MAX = 64 * 1024

/** Answers hold tokens and names: nobody on the way keeps them, and no browser takes them for a page. */
const SAFE_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/** Fastify's settings for a server that answers every request itself, in the dialect's own words. */
export const SERVER_OPTIONS = {
  bodyLimit: BODY_BYTES_MAX,
  disableRequestLogging: true,
  requestTimeout: 30_000,
  // While it drains, a request that still arrives on an open connection is answered like any other.
  return503OnClosing: false,
  // Node would refuse a request without Host by itself, with an empty body.
  http: { requireHostHeader: false },
  // No path is cut short: one that is too long is not found, and the head's limit of 16 KiB bounds them all. Queries
  // are parsed where they are used: a throwing parser would be called before anyone could catch.
  routerOptions: { maxParamLength: 16_384, querystringParser: () => ({}) },
  frameworkErrors: answerError,
  clientErrorHandler(error: Error, socket: Socket) {
    if ('code' in error && error.code === 'ECONNRESET') return
    answerOnSocket(socket, withSafeHeaders(answerTwilioFailure(toFailure(error), '')))
  },
} satisfies FastifyHttpOptions<Server>

/** Puts before and behind all routes what holds for every request. */
export function hardenServer(app: FastifyInstance, routes: readonly Route[]): void {
  const judgeMiss = createMissJudge(routes)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SAFE_HEADERS)
    const { path } = parseTarget(request.raw.url ?? '')
    if (request.is404) throw judgeMiss(path)
    checkHead(request)
  })
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions } = request
    request.log.debug({ method, route: routeOptions.url, status: reply.statusCode, ms: reply.elapsedTime }, 'answered')
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer' },
    async (_request: FastifyRequest, body: Buffer) => parseParameters(body.toString('latin1')),
  )
  app.setErrorHandler(answerError)
  app.setNotFoundHandler((request) => {
    throw judgeMiss(splitTarget(request.raw.url ?? '').path)
  })
  // An expectation that nobody here can meet (RFC 9110 section 10.1.1); Node's own answer has no body.
  app.server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const fault = new Fault('expectation_failed', 'Expect must be 100-continue')
    const { status, headers, body } = withSafeHeaders(answerTwilioFailure(fault, ''))
    response.writeHead(status, { ...headers, 'content-type': 'application/json; charset=utf-8', connection: 'close' })
    response.end(JSON.stringify(body))
  })
}

function checkHead({ headers, method, raw }: FastifyRequest): void {
  if (headers.host === undefined && raw.httpVersion === '1.1') throw new Fault('malformed', 'Host is required')
  const { 'content-encoding': encoding = 'identity' } = headers
  if (encoding !== 'identity') throw new Fault('unsupported_media_type', 'Content-Encoding must be identity')
  // Real clients send a content type with a DELETE that has no body; a DELETE's body would mean nothing anyway.
  const empty = headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0'
  if (method === 'DELETE' && empty) delete headers['content-type']
}

function withSafeHeaders(answer: FailureAnswer): FailureAnswer {
  return { ...answer, headers: { ...SAFE_HEADERS, ...answer.headers } }
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const failure = toFailure(error)
  if (failure.code === 'internal') request.log.error({ err: error }, 'a request failed')
  if (failure.code === 'unavailable') request.log.warn({ err: error }, 'a request found no store')
  const { path } = splitTarget(request.raw.url ?? '')
  const { status, headers, body } = withSafeHeaders(
    answerTwilioFailure(failure, path, request.routeOptions?.config?.invalid),
  )
  reply.code(status).headers(headers).send(body)
}
