import { Type } from 'typebox'
import { Refusal } from '../../errors.js'
import type { Parameters } from '../parameters.js'

const LIMIT_DEFAULT = 20
const LIMIT_MAX = 1000
const OFFSET_MAX = 999_999_999

/** Which rows of a list are asked for: at most `limit`, behind the first `offset`. */
export type Window = { readonly limit: number; readonly offset: number }

/** Schema of the query of a list. */
export const WindowQuery = Type.Object({
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT, description: 'Rows shown.' }),
  ),
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: OFFSET_MAX, default: 0, description: 'Rows skipped.' })),
})

/** Reads `limit` and `offset`. Throws `Refusal` where one of them breaks its rule: a list cut short would look whole. */
export function parseWindow(query: Parameters): Window {
  return {
    limit: parseNumber(query, 'limit', { least: 1, most: LIMIT_MAX }) ?? LIMIT_DEFAULT,
    offset: parseNumber(query, 'offset', { least: 0, most: OFFSET_MAX }) ?? 0,
  }
}

function parseNumber(query: Parameters, name: string, { least, most }: { least: number; most: number }) {
  const text = query.get(name)
  if (text === undefined) return undefined
  const number = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN
  if (number >= least && number <= most) return number
  throw new Refusal('invalid', name, `must be a number of ${least} to ${most}`)
}
