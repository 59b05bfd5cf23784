import type { FastifyRequest } from 'fastify'
import type { TSchema } from 'typebox'
import type { AuthorDoor } from '../author.js'
import type { SecurityScheme } from '../openapi/door.js'
import type { Account } from '../store/accounts.js'
import type { Failure, FailureAnswer } from './failure.js'
import type { Call, Route } from './operation.js'
import { splitTarget } from './target.js'

/** Finds out who asks, and on what; in two steps, so that a request can be counted between them. */
export type Admission = {
  /** The account whose credentials come with the request, active or not. Throws `Fault` where there is none. */
  authenticate(request: FastifyRequest): Promise<Account>
  /** The account that the request is about. Throws `Fault` where the actor may not act on it. */
  reach(request: FastifyRequest, actor: Account): Promise<Account>
}

/** Who asks, and about which account. */
export type Access = { readonly actor: Account; readonly account: Account }

/** What a dialect's documentation says of all its operations. */
export type DialectManual = {
  /** Heading of its operations. */
  readonly title: string
  readonly description: string
  /** How requests show who asks: security schemes by name (OpenAPI 3.1 section 4.8.27), all of which a request needs. */
  readonly security: Readonly<Record<string, SecurityScheme>>
  /** Schema of each parameter that stands in its paths. */
  readonly parameters: Readonly<Record<string, TSchema>>
  /** Schema of the body of every failure, and its name. */
  readonly failure: { readonly name: string; readonly schema: TSchema }
  /** HTTP statuses of failures that every operation has; one with a body has 413 and 415 as well. */
  readonly failures: readonly number[]
}

/** The one type of bodies that a dialect takes, and how their bytes are read. Throws `Fault` where they cannot be. */
export type Bodies = {
  readonly type: string
  parse(bytes: Buffer): Partial<Pick<Call, 'form' | 'json'>>
}

/** A way of speaking with the management API: its paths, how it shows who asks, and how it puts a failure. */
export type Dialect = {
  /** Its name in the audit trail. */
  readonly door: AuthorDoor
  /** What its paths begin with. */
  readonly prefix: string
  /** The form of a path that its routes are written in, where it may be written otherwise too. */
  canonicalPath?(path: string): string
  readonly routes: readonly Route[]
  readonly bodies: Bodies
  readonly manual: DialectManual
  readonly admission: Admission
  /** `path` is the request's, without its query; `invalid` is the operation's code of a validation error. */
  answerFailure(failure: Failure, path: string, invalid?: number): FailureAnswer
}

/** All dialects of a server. The first one answers where a path belongs to none. */
export type Dialects = readonly [Dialect, ...Dialect[]]

/** The dialect in which a request for this path is answered. */
export function dialectOf(dialects: Dialects, path: string): Dialect {
  return dialects.find(({ prefix }) => path.startsWith(prefix)) ?? dialects[0]
}

/** A request target as the routes of its dialect have it. */
export function canonicalTarget(dialects: Dialects, url: string): string {
  const { path, query } = splitTarget(url)
  const canonical = dialectOf(dialects, path).canonicalPath?.(path) ?? path
  return canonical === path ? url : `${canonical}${query === '' ? '' : `?${query}`}`
}
