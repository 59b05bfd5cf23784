import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { DocumentedDoor } from '../openapi/door.js'
import { Fault } from './fault.js'

/** Where the documentation is. */
const DOCS_PATH = '/docs'

/** What is read there, as the judge of wrong methods wants it. */
export const DOCS_ROUTES = ['', '/', '/json', '/yaml', '/static/*'].map((end) => ['GET', DOCS_PATH + end] as const)

/** Header fields of the documentation's own answers; all others are those of every answer. */
const KEPT_HEADERS = ['content-type', 'content-security-policy', 'location']

/** What the documentation tells of. */
export type Documented = {
  /** The program's. */
  readonly version: string
  readonly doors: readonly DocumentedDoor[]
}

/**
 * Serves the documentation to anybody: a page at `/docs` that needs nothing from elsewhere, and the OpenAPI document as
 * `/docs/json` and `/docs/yaml`. It is made when it is first asked for, since most processes never are.
 */
export function mountDocs(app: FastifyInstance, { version, doors }: Documented): void {
  let server: Promise<FastifyInstance> | undefined

  async function open(): Promise<FastifyInstance> {
    const { createDocsServer } = await import('./docs-server.js')
    return createDocsServer(DOCS_PATH, doors, version)
  }

  async function handler(request: FastifyRequest, reply: FastifyReply) {
    server ??= open()
    const { statusCode, headers, rawPayload } = await (await server).inject(request.url)
    if (statusCode === 404) throw new Fault('not_found', 'The path names nothing')
    for (const name of KEPT_HEADERS) {
      const value = headers[name]
      if (value !== undefined) reply.header(name, value)
    }
    return reply.code(statusCode).send(rawPayload)
  }

  for (const [method, url] of DOCS_ROUTES) app.route({ method, url, handler })
  app.addHook('onClose', async () => (await server)?.close())
}
