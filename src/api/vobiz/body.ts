import type { Static, TObject } from 'typebox'
import { Check } from 'typebox/schema'
import { Refusal } from '../../errors.js'

/**
 * Reads a request's JSON body by its schema. A property's description says what it must be, in words that go on from
 * `must be`. What the schema does not name is ignored, and nothing is coerced. Throws `Refusal` with the first
 * property that is missing or is not as its schema has it.
 */
export function readBody<T extends TObject>(schema: T, json: unknown): Static<T> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new Refusal('invalid', 'The body', 'must be a JSON object')
  }
  const given = new Map<string, unknown>(Object.entries(json))
  const taken: Record<string, unknown> = {}
  for (const [name, property] of Object.entries(schema.properties)) {
    if (!given.has(name)) {
      if (schema.required?.includes(name)) throw new Refusal('invalid', name, 'is required')
      continue
    }
    const value = given.get(name)
    if (!Check(property, value)) throw new Refusal('invalid', name, `must be ${describe(property)}`)
    taken[name] = value
  }
  return taken as Static<T>
}

function describe(property: object): string {
  return 'description' in property ? String(property.description) : 'valid'
}
