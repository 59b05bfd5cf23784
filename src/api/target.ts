import { Fault } from './fault.js'
import { decodePercent } from './percent-encoding.js'

/** The request target (RFC 9112 section 3.2) in two: the path as it was sent, and the query without its `?`. */
export type Target = { readonly path: string; readonly query: string }

/** Splits a request target, in origin form or absolute form. */
export function splitTarget(url: string): Target {
  const origin = url.replace(/^https?:\/\/[^/?]*/i, '')
  const mark = origin.indexOf('?')
  return mark < 0 ? { path: origin, query: '' } : { path: origin.slice(0, mark), query: origin.slice(mark + 1) }
}

/** Like `splitTarget`; throws `malformed` where the path is not percent-encoded UTF-8, or holds NUL or a fragment. */
export function parseTarget(url: string): Target {
  const target = splitTarget(url)
  if (url.includes('#')) throw new Fault('malformed', 'The request target must not have a fragment')
  if (decodePercent(target.path) === undefined) {
    throw new Fault('malformed', 'The path must be percent-encoded UTF-8 without NUL')
  }
  return target
}
