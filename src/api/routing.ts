import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify'
import type { AuthorDoor } from '../author.js'
import type { Provision } from '../provision.js'
import type { Access, Bodies, Dialect } from './dialect.js'
import { Fault } from './fault.js'
import type { Operation } from './operation.js'
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

/** Puts a dialect's routes into the server, behind its way of finding out who asks and the limits of how often. */
export async function mountRoutes(
  app: FastifyInstance,
  dialect: Dialect,
  { provision, limiter }: { readonly provision: Provision; readonly limiter: RateLimiter },
): Promise<void> {
  const { routes, admit, bodies, door } = dialect
  await app.register(async (scope) => {
    scope.decorateRequest('access', null)
    scope.addContentTypeParser(bodies.type, { parseAs: 'buffer' }, async (_request: FastifyRequest, bytes: Buffer) =>
      bodies.parse(bytes),
    )
    scope.setErrorHandler((error: FastifyError) => {
      if (error.code !== 'FST_ERR_CTP_INVALID_MEDIA_TYPE') throw error
      throw new Fault('unsupported_media_type', `Content-Type must be ${bodies.type}`)
    })
    // Before the body is read: who may not ask cannot make the server work.
    scope.addHook('onRequest', async (request) => {
      const access = await limiter.admit(request, () => admit(request))
      request.setDecorator<Access>('access', access)
      await limiter.count(request, access)
    })
    for (const [method, url, operation] of routes) {
      const { status, body, invalid } = operation
      scope.route({
        method,
        url,
        config: { invalid },
        ...(body === undefined ? {} : { schema: { response: { [status]: body } } }),
        handler: async (request, reply) => {
          const answer = await perform(operation, request, { provision, door })
          reply.code(status)
          return answer === undefined ? reply.send() : answer
        },
      })
    }
  })
}

async function perform(
  operation: Operation,
  request: FastifyRequest,
  { provision, door }: { provision: Provision; door: AuthorDoor },
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
