import type { TSchema } from 'typebox'
import { Refusal } from '../../errors.js'
import type { Parameters } from '../parameters.js'

/** A field of a form or a query, as one operation takes it. */
export type FieldUse<T> = {
  readonly name: string
  readonly schema: TSchema
  readonly isRequired: boolean
  /** Throws `Refusal` where the text breaks the field's rule, and where a required field is not there. */
  read(parameters: Parameters): T
}

/** A field of forms and queries: its name, what its text may be, and how it is read. */
export type Field<T> = {
  /** Its value is undefined where the request does not have it. */
  readonly optional: FieldUse<T | undefined>
  readonly required: FieldUse<T>
}

/**
 * Makes a field. The schema tells readers of the documentation what its text may be; `parse` decides, and gets the name
 * for its refusals.
 */
export function defineField<T>(name: string, schema: TSchema, parse: (text: string, name: string) => T): Field<T> {
  function read(parameters: Parameters): T | undefined {
    const text = parameters.get(name)
    return text === undefined ? undefined : parse(text, name)
  }
  return {
    optional: { name, schema, isRequired: false, read },
    required: {
      ...{ name, schema, isRequired: true },
      read(parameters) {
        const value = read(parameters)
        if (value === undefined) throw new Refusal('invalid', name, 'is required')
        return value
      },
    },
  }
}
