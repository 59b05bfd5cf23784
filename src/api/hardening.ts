import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import helmet from '@fastify/helmet'
import { type FastifyHttpOptions, type FastifyInstance, type FastifyRequest, LogController } from 'fastify'
import { createRequestId, REQUEST_ID_HEADER, REQUEST_ID_LABEL } from '../request-id.js'
import { SECURE_HEADERS } from '../secure-headers.js'
import type { Answerer } from './answerer.js'
import { canonicalTarget, type Dialects } from './dialect.js'
import { Fault } from './fault.js'
import { HELMET_OPTIONS } from './helmet-options.js'
import { createMissJudge, type KnownRoute } from './routing.js'
import { parseTarget, splitTarget } from './target.js'

const BODY_BYTES_MAX = 64 * 1024
const REQUEST_TIMEOUT_MS = 30_000

/** Fastify's settings for a server that answers every request itself, in the dialects' own words. */
export function createServerOptions(answerer: Answerer, dialects: Dialects): FastifyHttpOptions<Server> {
  return {
    bodyLimit: BODY_BYTES_MAX,
    genReqId: createRequestId,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: REQUEST_ID_LABEL }),
    requestTimeout: REQUEST_TIMEOUT_MS,
    // While it drains, a request that still arrives on an open connection is answered like any other.
    return503OnClosing: false,
    // Node would refuse a request without Host by itself, with an empty body.
    http: { requireHostHeader: false },
    // No path parameter is too long: the limit of the head, 16 KiB, bounds them all. Queries are parsed where they are
    // used: a parser that throws here would be called before anyone could catch.
    routerOptions: { maxParamLength: 16_384, querystringParser: () => ({}) },
    rewriteUrl: ({ url = '' }) => canonicalTarget(dialects, url),
    frameworkErrors(error, request, reply) {
      answerer.reply(error, request, reply)
      // Of a path that no router can read no hook hears.
      request.log.debug({ status: reply.statusCode }, 'answered')
    },
    clientErrorHandler(error, socket: Socket) {
      if (error.code !== 'ECONNRESET') answerer.answerSocket(error, socket)
    },
  }
}

/** Puts before and behind all routes what holds for every request. */
export async function hardenServer(
  app: FastifyInstance,
  routes: readonly KnownRoute[],
  answerer: Answerer,
): Promise<void> {
  await app.register(helmet, HELMET_OPTIONS)
  const judgeMiss = createMissJudge(routes)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'cache-control': SECURE_HEADERS['cache-control'], [REQUEST_ID_HEADER]: request.id })
    const { path } = parseTarget(request.raw.url ?? '')
    if (request.is404) throw judgeMiss(path)
    checkHead(request)
  })
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions } = request
    request.log.debug({ method, route: routeOptions.url, status: reply.statusCode, ms: reply.elapsedTime }, 'answered')
  })
  app.removeAllContentTypeParsers()
  app.setErrorHandler((error, request, reply) => answerer.reply(error, request, reply))
  app.setNotFoundHandler((request) => {
    throw judgeMiss(splitTarget(request.raw.url ?? '').path)
  })
  // An expectation that nobody here can meet (RFC 9110 section 10.1.1); Node's own answer has no body.
  app.server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    answerer.answerRaw(new Fault('expectation_failed', 'Expect must be 100-continue'), request, response)
  })
  // Without a listener Node closes the connection. No resource allows any method of a tunnel (RFC 9110 section 10.2.1).
  app.server.on('connect', (_request: IncomingMessage, socket: Socket) => {
    // Node has taken its own listener away; unheard, the error of a client that is gone would end the process.
    socket.on('error', (error) => app.log.debug({ err: error }, 'a connection broke'))
    answerer.answerSocket(
      new Fault('method_not_allowed', 'Method not allowed, this is no proxy', { allow: '' }),
      socket,
    )
  })
}

/** Fields of which Node keeps the first line, or joins all, where there should be one: another program may do otherwise. */
const SINGLE_FIELDS: Readonly<Record<string, string>> = {
  host: 'Host',
  authorization: 'Authorization',
  'content-type': 'Content-Type',
  'x-auth-id': 'X-Auth-ID',
  'x-auth-token': 'X-Auth-Token',
}

function checkHead({ headers, method, raw }: FastifyRequest): void {
  refuseRepeats(raw)
  if (headers.host === undefined && raw.httpVersion === '1.1') throw new Fault('malformed', 'Host is required')
  const { 'content-encoding': encoding = 'identity' } = headers
  if (encoding.toLowerCase() !== 'identity')
    throw new Fault('unsupported_media_type', 'Content-Encoding must be identity')
  // Real clients send a content type with a DELETE that has no body.
  const empty = headers['transfer-encoding'] === undefined && /^0+$/.test(headers['content-length'] ?? '0')
  if (method === 'DELETE' && empty) delete headers['content-type']
}

function refuseRepeats({ rawHeaders }: IncomingMessage): void {
  const seen = new Set<string>()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    const field = Object.hasOwn(SINGLE_FIELDS, name) ? SINGLE_FIELDS[name] : undefined
    if (field !== undefined && seen.has(field)) throw new Fault('malformed', `${field} must not be repeated`)
    if (field !== undefined) seen.add(field)
  }
}
