import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { DocumentedDoor } from '../openapi/door.js'
import { Fault } from './fault.js'
import type { RateLimiter } from './rate-limits.js'
import { splitTarget } from './target.js'

/** Where the documentation is. */
const DOCS_PATH = '/docs'

/** What is read there, as the judge of wrong methods wants it. */
export const DOCS_ROUTES = ['', '/', '/json', '/yaml', '/static/*'].map((end) => ['GET', DOCS_PATH + end] as const)

/** Header fields of the documentation's own answers; all others are those of every answer. */
const KEPT_HEADERS = ['content-type', 'content-security-policy', 'location']

/** Seconds that anybody may keep what changes with the program alone: scripts, styles and pictures. */
const STATIC_MAX_AGE = 3_600

/** What the documentation tells of, and who counts those that ask for it. */
export type Documented = {
  /** The program's. */
  readonly version: string
  readonly doors: readonly DocumentedDoor[]
  readonly limiter: RateLimiter
}

/** A page or a file, ready to be sent any number of times. */
type Rendered = { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: Buffer }

/**
 * Serves the documentation to anybody: a page at `/docs` that needs nothing from elsewhere, and the OpenAPI document as
 * `/docs/json` and `/docs/yaml`. It is made when it is first asked for, since most processes never are, and each part of
 * it once.
 */
export function mountDocs(app: FastifyInstance, { version, doors, limiter }: Documented): void {
  let server: Promise<FastifyInstance> | undefined
  const rendered = new Map<string, Promise<Rendered | undefined>>()

  async function open(): Promise<FastifyInstance> {
    const { createDocsServer } = await import('./docs-server.js')
    return createDocsServer(DOCS_PATH, doors, version)
  }

  async function render(path: string): Promise<Rendered | undefined> {
    server ??= open()
    const { statusCode: status, headers, rawPayload: body } = await (await server).inject(path)
    if (status === 404) return undefined
    const kept = KEPT_HEADERS.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]]))
    const isStatic = path.startsWith(`${DOCS_PATH}/static/`)
    const own = {
      etag: `"${createHash('sha256').update(body).digest('base64url')}"`,
      'cache-control': isStatic ? `public, max-age=${STATIC_MAX_AGE}` : 'no-cache',
    }
    return { status, headers: { ...Object.fromEntries(kept), ...own }, body }
  }

  /** Only what is there is kept: of other paths there is no end. */
  async function find(path: string): Promise<Rendered | undefined> {
    const found = rendered.get(path) ?? render(path)
    rendered.set(path, found)
    const page = await found.catch((error: unknown) => {
      rendered.delete(path)
      throw error
    })
    if (!page) rendered.delete(path)
    return page
  }

  async function handler(request: FastifyRequest, reply: FastifyReply) {
    await limiter.countStranger(request)
    const page = await find(splitTarget(request.raw.url ?? '').path)
    if (!page) throw new Fault('not_found', 'The path names nothing')
    reply.headers(page.headers)
    // RFC 9110 section 13.1.2.
    const known = request.headers['if-none-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? []
    if (known.includes(page.headers.etag ?? '') || known.includes('*')) return reply.code(304).send()
    return reply.code(page.status).send(page.body)
  }

  for (const [method, url] of DOCS_ROUTES) app.route({ method, url, handler })
  app.addHook('onClose', async () => (await server)?.close())
}
