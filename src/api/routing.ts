import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify'
import type { AuthorDoor } from '../author.js'
import type { Provision } from '../provision.js'
import type { ActorQueue } from './actor-queue.js'
import type { Access, Bodies, Dialect } from './dialect.js'
import { Fault } from './fault.js'
import type { Operation } from './operation.js'
import type { PageTokens } from './page-tokens.js'
import { type Parameters, parseParameters } from './parameters.js'
import type { RateLimiter } from './rate-limits.js'
import { splitTarget } from './target.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The dialect's code of a validation error on this route. */
    invalid?: number
  }
}

const NO_PARAMETERS: Parameters = new Map()

/** What the routes of every dialect are made of. */
export type RoutingDeps = {
  readonly provision: Provision
  readonly limiter: RateLimiter
  readonly queue: ActorQueue
  readonly pageTokens: PageTokens
}

/** Puts a dialect's routes into the server, behind its way of finding out who asks and the limits of how often. */
export async function mountRoutes(
  app: FastifyInstance,
  dialect: Dialect,
  { limiter, queue, ...deps }: RoutingDeps,
): Promise<void> {
  const { routes, admission, bodies, door } = dialect
  await app.register(async (scope) => {
    scope.decorateRequest('access', null)
    scope.addContentTypeParser(bodies.type, { parseAs: 'buffer' }, async (_request: FastifyRequest, bytes: Buffer) =>
      bodies.parse(bytes),
    )
    // Real clients send a content type with a DELETE that has no body; in chunks, that it has none shows at its end.
    scope.addContentTypeParser('*', async ({ method }: FastifyRequest, payload: AsyncIterable<Buffer>) => {
      if (method !== 'DELETE') throw unsupported(bodies)
      for await (const chunk of payload) if (chunk.length > 0) throw unsupported(bodies)
      return {}
    })
    scope.setErrorHandler((error: FastifyError) => {
      if (error.code !== 'FST_ERR_CTP_INVALID_MEDIA_TYPE') throw error
      throw unsupported(bodies)
    })
    // Before the body is read: who may not ask cannot make the server work.
    scope.addHook('onRequest', async (request) => {
      const actor = await limiter.admit(request, () => admission.authenticate(request))
      await limiter.count(request, actor)
      request.setDecorator<Access>('access', { actor, account: await admission.reach(request, actor) })
    })
    for (const [method, url, operation] of routes) {
      const { status, body, invalid } = operation
      scope.route({
        method,
        url,
        config: { invalid },
        ...(body === undefined ? {} : { schema: { response: { [status]: body } } }),
        handler: async (request, reply) => {
          const { actor } = request.getDecorator<Access>('access')
          const answer = await queue.run(actor.sid, () => perform(operation, request, { ...deps, door }))
          reply.code(status)
          return answer === undefined ? reply.send() : answer
        },
      })
    }
  })
}

function unsupported({ type }: Bodies): Fault {
  return new Fault('unsupported_media_type', `Content-Type must be ${type}`)
}

async function perform(
  operation: Operation,
  request: FastifyRequest,
  { provision, pageTokens, door }: Pick<RoutingDeps, 'provision' | 'pageTokens'> & { door: AuthorDoor },
): Promise<object | undefined> {
  const { actor, account } = request.getDecorator<Access>('access')
  return operation.handle({
    actor,
    account,
    params: request.params as Readonly<Record<string, string>>,
    query: parseParameters(splitTarget(request.raw.url ?? '').query),
    form: NO_PARAMETERS,
    json: undefined,
    ...(request.body as ReturnType<Bodies['parse']> | undefined),
    pageTokens,
    writes: provision.by({ actorSid: actor.sid, door, requestId: request.id }),
  })
}

/** A row of any routing table; `*` at the end of a path stands for anything. */
export type KnownRoute = readonly [method: string, path: string, ...unknown[]]

/** A judge of requests that no route takes: tells a wrong method on a known path from an unknown path. */
export function createMissJudge(routes: readonly KnownRoute[]): (path: string) => Fault {
  const methods = new Map<string, Set<string>>()
  for (const [method, path] of routes) {
    const allowed = methods.get(path) ?? new Set()
    // Where there is a GET, Fastify answers HEAD as well.
    for (const name of method === 'GET' ? ['GET', 'HEAD'] : [method]) allowed.add(name)
    methods.set(path, allowed)
  }
  const known = [...methods].map(([path, allowed]) => ({
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replace(/:\w+/g, '[^/]+').replace(/\*$/, '.+')}$`),
    allow: [...allowed].sort().join(', '),
  }))
  return (path) => {
    const match = known.find(({ pattern }) => pattern.test(path))
    if (!match) return new Fault('not_found', 'The path names nothing')
    return new Fault('method_not_allowed', `Method not allowed, use one of ${match.allow}`, { allow: match.allow })
  }
}
