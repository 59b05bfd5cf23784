import { closeSync, openSync, writeSync } from 'node:fs'
import { stringify } from 'csv-stringify/sync'
import { escapeUnprintable } from '../unprintable.js'

/** A row that was refused; nothing in it is secret. */
export type RefusedRow = {
  readonly line: number
  readonly username: string
  readonly realm: string
  readonly reason: string
}

/** Tells of every row that was refused. */
export type Report = { refuse(row: RefusedRow): void; close(): void }

/** Longest text of the source that is shown, in characters: one that is out of rule may be anything. */
const SHOWN_MAX = 64

/** Longest reason, with the name of a list in it. */
const REASON_MAX = 512

/** Writes CSV with a header into a file that only its owner can read, in place of what is there. */
export function createFileReport(path: string): Report {
  const file = openSync(path, 'w', 0o600)
  writeSync(file, stringify([['line', 'username', 'realm', 'reason']]))
  return {
    refuse({ line, username, realm, reason }) {
      writeSync(file, stringify([[String(line), show(username), show(realm), show(reason, REASON_MAX)]]))
    },
    close: () => closeSync(file),
  }
}

/** Says each row in a line. */
export function createSpokenReport(say: (text: string) => void): Report {
  return {
    refuse({ line, username, realm, reason }) {
      const who = username === '' ? '' : ` "${show(username)}"${realm && ` in ${show(realm)}`}`
      say(`line ${line}${who}: ${show(reason, REASON_MAX)}\n`)
    },
    close: () => undefined,
  }
}

/** A text as a terminal may show it, or a spreadsheet in a line. */
function show(text: string, lengthMax = SHOWN_MAX): string {
  const shown = [...text.slice(0, 2 * lengthMax + 2)]
  return escapeUnprintable(shown.length > lengthMax ? `${shown.slice(0, lengthMax).join('')}…` : text)
}
