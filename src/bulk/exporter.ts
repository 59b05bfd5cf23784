import { stringify } from 'csv-stringify/sync'
import { HA1_FIELDS, type Ha1Field } from '../credential.js'
import type { Queryable } from '../store/database.js'
import { type ExportedCredential, walkExportedCredentials } from '../store/exported-credentials.js'

/** Rows that are read at once. */
const PAGE = 1_000

const FIELDS: readonly Ha1Field[] = Object.values(HA1_FIELDS).flat()

/** What is written, column by column; the import reads them by these names. */
const COLUMNS: readonly (readonly [name: string, of: (credential: ExportedCredential) => string])[] = [
  ['account', ({ accountSid }) => accountSid],
  ['list', ({ list }) => list],
  ['username', ({ username }) => username],
  ['realm', ({ realm }) => realm],
  ['enabled', ({ enabled }) => String(enabled)],
  ['description', ({ description }) => description],
  ...FIELDS.map((field) => [field, ({ ha1s }: ExportedCredential) => ha1s[field] ?? ''] as const),
]

/** The credentials of an account, of a list or of all as CSV (RFC 4180) with a header, in pieces. */
export async function* exportCsv(
  db: Queryable,
  of: { readonly accountSid: string | undefined; readonly listSid: string | undefined },
): AsyncGenerator<string> {
  yield stringify([COLUMNS.map(([name]) => name)])
  for (let after = '0'; ; ) {
    const page = await walkExportedCredentials(db, of, after, PAGE)
    const last = page.at(-1)
    if (last === undefined) return
    after = last.seq
    yield stringify(page.map((credential) => COLUMNS.map(([, textOf]) => textOf(credential))))
  }
}
