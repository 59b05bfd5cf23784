import { hash } from 'node:crypto'
import type { ImportInput, ImportOutcome } from '../provision/imports.js'

/**
 * The names that a dry run has met, since nothing is written that it could meet them in again. Of each, 12 hex digits
 * are kept and not the name: a chance of one in ten thousand that among a million names two are taken for one.
 */
export class Seen {
  readonly #fingerprints = new Map<number, number>()

  /** What a second one of a name becomes; undefined for the first, which the database decides on. */
  meet(realm: string, input: ImportInput, update: boolean): ImportOutcome | undefined {
    const { username, ha1s, enabled, description } = input
    const name = digest(`${realm}:${username}`)
    const content = digest(JSON.stringify([ha1s.ha1, enabled, description]))
    const before = this.#fingerprints.get(name)
    if (before === undefined || update) this.#fingerprints.set(name, content)
    if (before === undefined) return undefined
    if (before === content) return 'unchanged'
    return update ? 'updated' : 'different'
  }
}

function digest(text: string): number {
  return Number.parseInt(hash('sha256', text).slice(0, 12), 16)
}
