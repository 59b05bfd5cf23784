import type { FastifyRequest } from 'fastify'
import type { AuthorDoor } from '../author.js'
import type { Account } from '../store/accounts.js'
import type { Failure, FailureAnswer } from './failure.js'
import type { Route } from './operation.js'

/** Who asks, and about which account. */
export type Access = { readonly actor: Account; readonly account: Account }

/** A way of speaking with the management API: its paths, how it shows who asks, and how it puts a failure. */
export type Dialect = {
  /** Its name in the audit trail. */
  readonly door: AuthorDoor
  /** What its paths begin with. */
  readonly prefix: string
  readonly routes: readonly Route[]
  /** Throws `Fault` where the request may not act on what it names. */
  admit(request: FastifyRequest): Promise<Access>
  /** `path` is the request's, without its query; `invalid` is the operation's code of a validation error. */
  answerFailure(failure: Failure, path: string, invalid?: number): FailureAnswer
}

/** All dialects of a server. The first one answers where a path belongs to none. */
export type Dialects = readonly [Dialect, ...Dialect[]]

/** The dialect in which a request for this path is answered. */
export function dialectOf(dialects: Dialects, path: string): Dialect {
  return dialects.find(({ prefix }) => path.startsWith(prefix)) ?? dialects[0]
}
