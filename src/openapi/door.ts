import type { TObject, TSchema } from 'typebox'

/** A security scheme of OpenAPI, of the two types that are used here. */
export type SecurityScheme =
  | { readonly type: 'http'; readonly scheme: 'basic' | 'bearer'; readonly description: string }
  | { readonly type: 'apiKey'; readonly in: 'header'; readonly name: string; readonly description: string }

/** An answer, by the types of its body; without types it has none. */
export type DocumentedAnswer = {
  readonly description: string
  readonly content?: Readonly<Record<string, TSchema>>
}

/** One method of one path. */
export type DocumentedRoute = {
  readonly method: string
  /** With its parameters as Fastify writes them: `/v1/things/:ThingSid`. */
  readonly path: string
  readonly summary: string
  readonly description?: string | undefined
  readonly parameters?: TObject | undefined
  readonly query?: TObject | undefined
  /** Bodies that it takes, by content type. */
  readonly body?: Readonly<Record<string, TObject>> | undefined
  /** Each set of security schemes that lets a request in; none: anybody may ask. */
  readonly security: readonly (readonly string[])[]
  readonly answers: Readonly<Record<number, DocumentedAnswer>>
}

/** An API as its readers see it. */
export type DocumentedDoor = {
  /** Heading of its operations. */
  readonly title: string
  readonly description: string
  /** Where it is, unless it is where the document is. */
  readonly server?: object
  readonly security: Readonly<Record<string, SecurityScheme>>
  /** Schemas by name, to which its routes refer as `Type.Ref('Name#')`. */
  readonly schemas: Readonly<Record<string, TSchema>>
  readonly routes: readonly DocumentedRoute[]
}
