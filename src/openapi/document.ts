import swagger, { type StaticDocumentSpec } from '@fastify/swagger'
import { type FastifySchema, fastify, type HTTPMethods } from 'fastify'
import { closeSchema } from './closed-schema.js'
import type { DocumentedAnswer, DocumentedDoor, DocumentedRoute } from './door.js'

/** A document in the form of OpenAPI 3.1. */
export type OpenApiDocument = StaticDocumentSpec['document']

/**
 * Makes the OpenAPI 3.1 document of several APIs (https://spec.openapis.org/oas/v3.1.1.html). They are registered with
 * a server that only documents: nothing is served, parsed or serialized by what is written here.
 */
export async function createDocument(doors: readonly DocumentedDoor[], version: string): Promise<OpenApiDocument> {
  const server = fastify({ exposeHeadRoutes: false })
  server.setValidatorCompiler(() => () => true)
  server.setSerializerCompiler(() => JSON.stringify)
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        ...{ title: 'sipauthd', version },
        description: 'SIP digest authentication: the management API in two dialects, and the lookup API for proxies.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/', description: 'The management API, where this document is served.' }],
      tags: doors.map(({ title, description }) => ({ name: title, description })),
      components: { securitySchemes: Object.assign({}, ...doors.map(({ security }) => security)) },
    },
    convertConstToEnum: false,
    transformObject: (made) => ('openapiObject' in made ? relaxBodies(made.openapiObject) : made.swaggerObject),
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `schema-${index}`) },
  })
  for (const door of doors) {
    for (const [name, schema] of Object.entries(door.schemas)) server.addSchema({ ...closeSchema(schema), $id: name })
    for (const route of door.routes) {
      const method = route.method as HTTPMethods
      server.route({ method, url: route.path, schema: toSchema(door, route), handler: async () => undefined })
    }
  }
  await server.ready()
  const document = server.swagger() as OpenApiDocument
  await server.close()
  return document
}

/** What is read of the operations of a path here. */
type PathItem = Readonly<Record<string, { requestBody?: { required?: boolean; content: Record<string, Media> } }>>
type Media = { readonly schema?: { readonly required?: readonly string[] } }

/** @fastify/swagger says of every body that it must be there; it may be left out where nothing in it is required. */
function relaxBodies<Document extends { paths?: object }>(document: Document): Document {
  for (const item of Object.values(document.paths ?? {}) as PathItem[]) {
    for (const { requestBody } of Object.values(item)) {
      if (!requestBody) continue
      requestBody.required = Object.values(requestBody.content).some(
        ({ schema }) => (schema?.required ?? []).length > 0,
      )
    }
  }
  return document
}

/** What @fastify/swagger reads of a route, beyond what Fastify itself knows. */
type DocumentedSchema = FastifySchema & { servers?: readonly object[] }

function toSchema(door: DocumentedDoor, route: DocumentedRoute): DocumentedSchema {
  const { parameters, query, body, answers } = route
  return {
    operationId: toOperationId(route),
    tags: [door.title],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    ...(door.server && { servers: [door.server] }),
    security: route.security.map((schemes) => Object.fromEntries(schemes.map((scheme) => [scheme, []]))),
    ...(parameters && { params: parameters }),
    ...(query && { querystring: query }),
    ...(body && { body: { content: mapValues(body, (schema) => ({ schema })) } }),
    response: Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, toResponse(answer)])),
  }
}

function toResponse({ description, content }: DocumentedAnswer) {
  if (!content) return { description, type: 'null' }
  return { description, content: mapValues(content, (schema) => ({ schema: closeSchema(schema) })) }
}

function mapValues<From, To>(record: Readonly<Record<string, From>>, map: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]))
}

/** Method and path as one word. */
function toOperationId({ method, path }: DocumentedRoute): string {
  const words = `${method.toLowerCase()} ${path.replaceAll(/[^A-Za-z0-9]+/g, ' ')}`.trim().split(' ')
  return words.map((word, index) => (index === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1))).join('')
}
