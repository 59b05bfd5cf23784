import { type TObject, type TSchema, Type } from 'typebox'
import type { Parameters } from '../parameters.js'
import type { FieldUse } from './field.js'

/** What an operation takes in its form or its query, for parsing and for the documentation alike. */
export type Form<T> = {
  /** An object of the fields by the names that they have on the wire. */
  readonly schema: TObject
  /** Reads the fields in the order in which they are listed; others are ignored. Throws `Refusal` for the first fault. */
  parse(parameters: Parameters): T
}

type Values<Uses> = { readonly [Key in keyof Uses]: Uses[Key] extends FieldUse<infer T> ? T : never }

/** Makes a form out of uses of fields: `defineForm({ friendlyName: friendlyName.required, realm: realm.optional })`. */
export function defineForm<Uses extends Readonly<Record<string, FieldUse<unknown>>>>(uses: Uses): Form<Values<Uses>> {
  const properties: Record<string, TSchema> = {}
  for (const { name, schema, isRequired } of Object.values(uses)) {
    properties[name] = isRequired ? schema : Type.Optional(schema)
  }
  return {
    schema: Type.Object(properties),
    parse: (parameters) =>
      Object.fromEntries(Object.entries(uses).map(([key, use]) => [key, use.read(parameters)])) as Values<Uses>,
  }
}
