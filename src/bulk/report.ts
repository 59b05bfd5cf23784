import { closeSync, openSync, writeSync } from 'node:fs'
import { stringify } from 'csv-stringify/sync'

/** A row that was refused; nothing in it is secret. */
export type RefusedRow = {
  readonly line: number
  readonly username: string
  readonly realm: string
  readonly reason: string
}

/** Tells of every row that was refused. */
export type Report = { refuse(row: RefusedRow): void; close(): void }

/** Longest user name that is shown: one that is out of rule may be anything. */
const SHOWN_MAX = 64

/** Writes CSV with a header into a file that only its owner can read, in place of what is there. */
export function createFileReport(path: string): Report {
  const file = openSync(path, 'w', 0o600)
  writeSync(file, stringify([['line', 'username', 'realm', 'reason']]))
  return {
    refuse({ line, username, realm, reason }) {
      writeSync(file, stringify([[String(line), shorten(username), realm, reason]]))
    },
    close: () => closeSync(file),
  }
}

/** Says each row in a line. */
export function createSpokenReport(say: (text: string) => void): Report {
  return {
    refuse({ line, username, realm, reason }) {
      const who = username === '' ? '' : ` ${JSON.stringify(shorten(username))}${realm && ` in ${realm}`}`
      say(`line ${line}${who}: ${reason}\n`)
    },
    close: () => undefined,
  }
}

function shorten(username: string): string {
  return username.length > SHOWN_MAX ? `${username.slice(0, SHOWN_MAX)}…` : username
}
