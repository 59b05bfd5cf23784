import { hash } from 'node:crypto'
import { HA1_FIELDS, type Ha1Field, type Ha1s } from '../credential.js'
import type { ImportedRow, PresentCredential } from '../store/imported-credentials.js'
import type { ImportInput } from './imports.js'

const FIELDS: readonly Ha1Field[] = Object.values(HA1_FIELDS).flat()

/** Hex digits that stand for a text, or for an HA1: among a million, two are alike by a chance of one in 10^7. */
const MARK_LENGTH = 16

/** Separates what is kept of a user: no mark and no SID holds one. */
const SEPARATOR = ','

/**
 * What a dry run would have written, since later rows meet it there. Of a user some 250 bytes are kept, and neither his
 * name nor a whole HA1: marks alone, which are compared and merged as that which they stand for.
 */
export class Rehearsal {
  readonly #kept = new Map<string, string>()

  /** An input with marks in place of its secrets and its texts. */
  mark(input: ImportInput): ImportInput {
    const { description, ha1s } = input
    return { ...input, ha1s: markHa1s(ha1s), description: description && markOf(description) }
  }

  /** What these inputs would meet: that which was written in the rehearsal, else that which is there. */
  meet(
    realm: string,
    inputs: readonly ImportInput[],
    present: ReadonlyMap<string, PresentCredential>,
  ): ReadonlyMap<string, PresentCredential> {
    const met = new Map<string, PresentCredential>()
    for (const { username } of inputs) {
      const kept = this.#kept.get(nameOf(realm, username))
      const there = present.get(username)
      if (kept !== undefined) met.set(username, unpack(username, kept))
      else if (there)
        met.set(username, { ...there, ha1s: markHa1s(there.ha1s), description: markOf(there.description) })
    }
    return met
  }

  /** Takes rows for written, which `mark` and `meet` have given what they hold. */
  write(realm: string, listSid: string, rows: readonly ImportedRow[]): void {
    for (const row of rows) this.#kept.set(nameOf(realm, row.username), pack(listSid, row))
  }
}

function nameOf(realm: string, username: string): string {
  return markOf(`${realm}:${username}`)
}

function markOf(text: string): string {
  return text === '' ? '' : hash('sha256', text).slice(0, MARK_LENGTH)
}

/** An HA1 is a hash already: its first digits tell it from others. */
function markHa1s<Some extends Partial<Ha1s>>(ha1s: Some): Some {
  const marked = Object.entries(ha1s).map(([field, ha1]) => [field, ha1.slice(0, MARK_LENGTH)])
  return Object.fromEntries(marked) as Some
}

function pack(listSid: string, { sid, enabled, description, ha1s }: ImportedRow): string {
  return [listSid, sid, enabled, description, ...FIELDS.map((field) => ha1s[field] ?? '')].join(SEPARATOR)
}

function unpack(username: string, packed: string): PresentCredential {
  const [listSid = '', sid = '', enabled, description = '', ...marks] = packed.split(SEPARATOR)
  const given = FIELDS.flatMap((field, index) => (marks[index] ? [[field, marks[index]]] : []))
  return { username, listSid, sid, enabled: enabled === 'true', description, ha1s: Object.fromEntries(given) }
}
