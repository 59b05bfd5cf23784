import { createHash } from 'node:crypto'
import type { Position } from '../../store/page.js'

/** A place in a list that a page begins behind, or ends before. */
export type Cursor = Exclude<Position, { kind: 'offset' }>

const LETTERS = { after: 'N', before: 'P' } as const

/**
 * A cursor as text, good for the list at this path alone. Its sum tells a token that was altered or belongs elsewhere;
 * it needs no secret, since all that a token can do is to begin a page anywhere in a list that the account may read.
 */
export function formatPageToken(path: string, { kind, seq }: Cursor): string {
  const place = `PA${LETTERS[kind]}${seq}`
  return `${place}_${sum(path, place)}`
}

/** Reads a token; undefined where it is none that `formatPageToken` made for this path. */
export function parsePageToken(path: string, text: string): Cursor | undefined {
  const [, letter, seq] = /^PA([NP])(0|[1-9][0-9]{0,17})_[0-9a-f]{16}$/.exec(text) ?? []
  if (seq === undefined) return undefined
  const cursor: Cursor = { kind: letter === LETTERS.after ? 'after' : 'before', seq }
  return formatPageToken(path, cursor) === text ? cursor : undefined
}

function sum(path: string, place: string): string {
  return createHash('sha256').update(`${path} ${place}`).digest('hex').slice(0, 16)
}
