import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { type FastifyInstance, fastify } from 'fastify'
import { createDocument } from '../openapi/document.js'
import type { DocumentedDoor } from '../openapi/door.js'

/** The page's own scripts, styles and pictures, and requests to this server: nothing comes from elsewhere. */
const POLICY = {
  'default-src': ["'none'"],
  'base-uri': ["'none'"],
  'connect-src': ["'self'"],
  'font-src': ["'self'"],
  'form-action': ["'self'"],
  'frame-ancestors': ["'none'"],
  'img-src': ["'self'", 'data:'],
  'script-src': ["'self'"],
  'style-src': ["'self'", "'unsafe-inline'"],
}

/** A server of the documentation below `path`, which never listens: the page, and the document as `json` and `yaml`. */
export async function createDocsServer(
  path: string,
  doors: readonly DocumentedDoor[],
  version: string,
): Promise<FastifyInstance> {
  const server = fastify()
  const document = await createDocument(doors, version)
  await server.register(swagger, { mode: 'static', specification: { document } })
  await server.register(swaggerUi, { routePrefix: path, staticCSP: POLICY, uiConfig: { validatorUrl: null } })
  return server
}
