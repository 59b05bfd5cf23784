import { parseForm } from './encoded.js'
import { type Parameters, parseJson } from './parameters.js'

/** Reads the parameters in a body; throws a `ParameterFault`. */
export type BodyReader = (body: Buffer) => Parameters

/** Media types of bodies that are taken, and how each is read. */
export const BODY_READERS = {
  'application/json': parseJson,
  'application/x-www-form-urlencoded': parseForm,
} as const satisfies Readonly<Record<string, BodyReader>>

export type BodyType = keyof typeof BODY_READERS
