import type { TObject, TSchema } from 'typebox'
import type { Writes } from '../provision.js'
import type { Account } from '../store/accounts.js'
import type { PageTokens } from './page-tokens.js'
import type { Parameters } from './parameters.js'

/** A request that has been let in and parsed. */
export type Call = {
  /** The account whose credentials came with the request. */
  readonly actor: Account
  /** The account that the path names, which the actor may act on; the actor itself where the path names none. */
  readonly account: Account
  /** The path's parameters, decoded. */
  readonly params: Readonly<Record<string, string | undefined>>
  readonly query: Parameters
  /** The body of a dialect that takes forms. */
  readonly form: Parameters
  /** The body of a dialect that takes JSON, as it was parsed and no further; undefined where there is none. */
  readonly json: unknown
  /** Tokens of pages, for dialects that page by them. */
  readonly pageTokens: PageTokens
  /** Every write, in the name of whoever asks: the audit trail tells of the actor, the door and this request. */
  readonly writes: Writes
}

/** What one method of one resource does. */
export type Operation = {
  /** What it does, in a few words, for the documentation: `Create a credential list`. */
  readonly summary: string
  /** What a reader must know beyond the summary and the schemas. */
  readonly description?: string
  /** What it takes in its query and in its body, by the names on the wire; `handle` parses with the same. */
  readonly query?: { readonly schema: TObject }
  readonly form?: { readonly schema: TObject }
  /** The body where the dialect speaks JSON. */
  readonly json?: TObject
  /** HTTP status of its success. */
  readonly status: 200 | 201 | 204
  /** Schema of its answer: what the schema does not name is not sent. Undefined for 204. */
  readonly body: TSchema | undefined
  /** HTTP statuses of its failures beyond those that every operation of the dialect has. */
  readonly failures?: readonly number[]
  /** The dialect's code of a validation error. */
  readonly invalid: number
  /** Throws `Fault` or `Refusal`; what it resolves with is the body. */
  handle(call: Call): Promise<object | undefined>
}

/** A row of the routing table. */
export type Route = readonly [method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, operation: Operation]
