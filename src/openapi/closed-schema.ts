import type { TSchema } from 'typebox'

/** A schema, or any part of one. */
type Part = { readonly [keyword: string]: unknown }

/**
 * The schema of an answer, in which no object may have more than its schema names: the serializer sends nothing else.
 * Objects that say themselves what more they may have are left alone.
 */
export function closeSchema(schema: TSchema): TSchema {
  return closePart(schema as Part) as TSchema
}

function closePart(part: Part): Part {
  const closed: Record<string, unknown> = { ...part }
  if (isPart(part.properties)) {
    closed.properties = Object.fromEntries(Object.entries(part.properties).map(([name, each]) => [name, close(each)]))
    closed.additionalProperties ??= false
  }
  for (const keyword of ['items', 'anyOf', 'oneOf']) if (keyword in part) closed[keyword] = close(part[keyword])
  return closed
}

function close(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(close)
  return isPart(value) ? closePart(value) : value
}

function isPart(value: unknown): value is Part {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
