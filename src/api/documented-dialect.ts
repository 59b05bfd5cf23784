import { STATUS_CODES } from 'node:http'
import { Type } from 'typebox'
import type { DocumentedAnswer, DocumentedDoor, DocumentedRoute } from '../openapi/door.js'
import type { Dialect, DialectManual } from './dialect.js'
import type { Operation, Route } from './operation.js'

/** Statuses that a request with a body may be refused with, for the body alone. */
const BODY_FAILURES = [413, 415]

/** A dialect as its readers see it: its routing table, each row with all that its operation declares. */
export function documentDialect(dialect: Dialect): DocumentedDoor {
  const { manual, routes } = dialect
  const { title, description, security, failure } = manual
  const schemas = { [failure.name]: failure.schema }
  return { title, description, security, schemas, routes: routes.map((row) => documentRoute(dialect, row)) }
}

function documentRoute({ manual, bodies }: Dialect, [method, path, operation]: Route): DocumentedRoute {
  const { summary, description, query, form, json } = operation
  const schema = json ?? form?.schema
  return {
    ...{ method, path, summary, description, query: query?.schema },
    body: schema && { [bodies.type]: schema },
    parameters: documentParameters(manual, path),
    security: [Object.keys(manual.security)],
    answers: documentAnswers(manual, operation, method),
  }
}

function documentParameters({ title, parameters }: DialectManual, path: string) {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
  if (names.length === 0) return undefined
  const schemas = names.map((name) => {
    const schema = parameters[name]
    if (!schema) throw new Error(`the manual of ${title} does not describe ${name} in ${path}`)
    return [name, schema]
  })
  return Type.Object(Object.fromEntries(schemas))
}

function documentAnswers(manual: DialectManual, { status, body, failures = [] }: Operation, method: string) {
  const answers: Record<number, DocumentedAnswer> = {
    [status]: { description: describe(status), ...(body && { content: { 'application/json': body } }) },
  }
  const failure = { 'application/json': Type.Ref(`${manual.failure.name}#`) }
  const all = [...manual.failures, ...failures, ...(method === 'GET' ? [] : BODY_FAILURES)]
  for (const each of all) answers[each] = { description: describe(each), content: failure }
  return answers
}

function describe(status: number): string {
  return STATUS_CODES[status] ?? String(status)
}
