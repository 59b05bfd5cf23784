import { type FastifyInstance, fastify, type RouteOptions } from 'fastify'
import type { Authenticator } from '../auth/authenticator.js'
import type { Ha1Lookup } from '../auth/ha1-lookup.js'
import type { Log } from '../log.js'
import type { Metrics } from '../metrics.js'
import { createRequestId, REQUEST_ID_HEADER, REQUEST_ID_LABEL } from '../request-id.js'
import { SECURE_HEADERS } from '../secure-headers.js'
import { BODY_READERS } from './bodies.js'
import { HA1_PATH, INTERNAL_ERROR, pathOf, sendFault } from './fault.js'
import { createHa1Handler } from './ha1.js'
import { openLane } from './lane.js'
import { BODY_MAX } from './lane-request.js'
import { ParameterFault } from './parameters.js'
import { createTokenCheck, createTokenReader } from './token-check.js'
import { createVerify, createVerifyHandler, VERIFY_PATH } from './verify.js'

/** Whether checks can be answered, and what the stores are up to. */
export type Readiness = () => Promise<{ readonly ready: boolean; readonly stores: Readonly<Record<string, string>> }>

export type LookupDeps = {
  readonly authenticator: Authenticator
  readonly ha1Lookup: Ha1Lookup
  readonly readiness: Readiness
  readonly metrics: Metrics
  /** All metrics as text, where they are more than this process's own. */
  readonly scrape?: (() => Promise<string>) | undefined
  readonly proxyToken: { reveal(): string }
  /** Opens `/v1/ha1` alone, and the proxy token does not; undefined: the proxy token opens both. */
  readonly ha1Token: { reveal(): string } | undefined
  readonly log: Log
}

/** Longer than proxies keep an idle connection, so that none is closed under a request. */
const KEEP_ALIVE_MS = 75_000
/** How long a request may take to arrive. */
const REQUEST_TIMEOUT_MS = 30_000

/** The lookup API: everything that proxies and monitoring ask over HTTP. */
export async function createLookupServer(deps: LookupDeps): Promise<FastifyInstance> {
  const { metrics, readiness, log, scrape = () => metrics.registry.metrics() } = deps
  const server = fastify({
    logger: false,
    genReqId: createRequestId,
    bodyLimit: BODY_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
  })
  readBodies(server)
  server.setErrorHandler<Error & { statusCode?: number }>((error, request, reply) => {
    const status = error instanceof ParameterFault ? 400 : (error.statusCode ?? 500)
    if (status >= 500) log.error({ err: error, [REQUEST_ID_LABEL]: request.id }, 'a request to the lookup API failed')
    return sendFault(request, reply.code(status), status >= 500 ? INTERNAL_ERROR : error.message)
  })

  const showsToken = createTokenReader(deps.proxyToken)
  const onProxyToken = createTokenCheck(showsToken)
  const onHa1Token = deps.ha1Token ? createTokenCheck(createTokenReader(deps.ha1Token)) : onProxyToken
  const verify = createVerify(deps)
  const routes = {
    [VERIFY_PATH]: { method: 'POST', onRequest: onProxyToken, handler: createVerifyHandler(verify) },
    [HA1_PATH]: { method: 'GET', onRequest: onHa1Token, handler: createHa1Handler(deps) },
    '/healthz': { method: 'GET', handler: async () => ({ status: 'ok' }) },
    '/readyz': {
      method: 'GET',
      handler: async (_request, reply) => {
        const state = await readiness()
        return reply.code(state.ready ? 200 : 503).send(state)
      },
    },
    '/metrics': {
      method: 'GET',
      handler: async (_request, reply) => reply.type(metrics.registry.contentType).send(await scrape()),
    },
  } satisfies Record<string, Pick<RouteOptions, 'method' | 'onRequest' | 'handler'>>
  for (const [url, route] of Object.entries(routes)) server.route({ url, ...route } as RouteOptions)

  server.addHook('onRequest', async (request, reply) => {
    reply.header(REQUEST_ID_HEADER, request.id)
    // Proxies ask it thousands of times a second, and a browser cannot: it is shown a token that no browser has.
    if (request.routeOptions.url !== VERIFY_PATH) reply.headers(SECURE_HEADERS)
    if (!request.is404) return
    // Before any body is read: what no route takes is refused for that, whatever it brings.
    const path = pathOf(request)
    if (!Object.hasOwn(routes, path)) return sendFault(request, reply.code(404), `there is nothing at ${path}`)
    const { method } = routes[path as keyof typeof routes]
    return sendFault(request, reply.code(405).header('allow', method), `${path} takes ${method}`)
  })
  const lane = openLane(server.server, { verify, showsToken, keepAliveMs: KEEP_ALIVE_MS, log, now: Date.now })
  server.addHook('preClose', async () => lane.close())
  return server
}

/**
 * Bodies as functions that read the parameters, so that the handler answers their faults in its own form; other types
 * are 415 by Fastify itself.
 */
function readBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers()
  const asBuffer = { parseAs: 'buffer' } as const
  for (const [type, read] of Object.entries(BODY_READERS)) {
    const parser = async (_request: unknown, body: Buffer) => () => read(body)
    server.addContentTypeParser(type, asBuffer, parser)
  }
}
