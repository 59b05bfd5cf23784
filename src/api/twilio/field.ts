import { Refusal } from '../../errors.js'
import type { Parameters } from '../parameters.js'

/** A form field by its name: how its text is read, and what becomes of a request without it. */
export type Field<T> = {
  /** Undefined where the form does not have it. Throws `Refusal` where its text breaks the field's rule. */
  optional(form: Parameters): T | undefined
  /** Throws `Refusal` as well where the form does not have it. */
  required(form: Parameters): T
}

/** Makes a field; `parse` gets the name, for its refusals. */
export function defineField<T>(name: string, parse: (text: string, name: string) => T): Field<T> {
  function optional(form: Parameters): T | undefined {
    const text = form.get(name)
    return text === undefined ? undefined : parse(text, name)
  }
  return {
    optional,
    required(form) {
      const value = optional(form)
      if (value === undefined) throw new Refusal('invalid', name, 'is required')
      return value
    },
  }
}
