import { open } from 'node:fs/promises'
import { type CsvForm, readCsv } from './csv-source.js'
import { readPjsipFile } from './pjsip-source.js'
import type { SourceItem } from './source-row.js'
import { isDatabaseUrl, readSubscribers } from './subscriber-source.js'

/** Ways in which a file may be written. */
export const SOURCE_FORMATS = ['csv', 'pjsip'] as const
export type SourceFormat = (typeof SOURCE_FORMATS)[number]

/** How a source is to be read, where it is not found out. */
export type SourceForm = CsvForm & {
  readonly format?: SourceFormat | undefined
  /** Name of the table in a database. */
  readonly table: string
}

/**
 * The users of a source: the URL of a database, the path of a file, or `-` for standard input. Throws a `SourceFault`
 * where it is not readable as what it seems, and the system's error where it is not readable at all.
 */
export async function* readSource(source: string, form: SourceForm): AsyncGenerator<SourceItem> {
  if (isDatabaseUrl(source)) return yield* readSubscribers(source, form.table)
  const file: AsyncIterable<Buffer> = source === '-' ? process.stdin : (await open(source)).createReadStream()
  const chunks = file[Symbol.asyncIterator]()
  const head = await chunks.next()
  const first = head.done ? Buffer.alloc(0) : head.value
  const all = chain(first, chunks)
  const format = form.format ?? (isWrittenAsCsv(form) ? 'csv' : recognize(source, first))
  yield* format === 'csv' ? readCsv(all, form) : readPjsipFile(all)
}

async function* chain(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
}

/** Whether something is said of the form that only CSV has: a first user may look like Asterisk's first words. */
function isWrittenAsCsv({ columns, separator, backslashes }: CsvForm): boolean {
  return columns !== undefined || separator !== undefined || backslashes === true
}

/** Asterisk's configuration begins with a section, a comment or an inclusion, and no CSV's header does. */
function recognize(source: string, head: Buffer): SourceFormat {
  return source.endsWith('.conf') || /^\ufeff?\s*[[;#]/.test(head.toString('utf8')) ? 'pjsip' : 'csv'
}
