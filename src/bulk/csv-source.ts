import { pipeline } from 'node:stream/promises'
import { CsvError, type Options, parse } from 'csv-parse'
import { createRowReader, type RowReader } from './columns.js'
import { SourceFault, type SourceItem } from './source-row.js'

/** How a CSV file is written; what is undefined is found out, or is as in RFC 4180. */
export type CsvForm = {
  /** One character; found out from the first line where it is not given. */
  readonly separator?: string | undefined
  /** Names of the columns of a file without a header. */
  readonly columns?: readonly string[] | undefined
  /** MySQL's way of writing: a backslash escapes, and `\N` is nothing. */
  readonly backslashes?: boolean | undefined
}

/** Longest record, in bytes: a quote that is never closed must not take the whole file into memory. */
const RECORD_LENGTH_MAX = 65_536

const SEPARATORS = [',', ';', '\t', '|'] as const

/** What stands behind a backslash in MySQL's dumps (LOAD DATA, "Field and Line Handling"); others are themselves. */
const ESCAPED: Readonly<Record<string, string>> = { 0: '\0', b: '\b', n: '\n', r: '\r', t: '\t', Z: '\x1a' }

type Parsed = { readonly record: readonly string[]; readonly info: Position }

/** Where the parser was at the end of a record. */
type Position = { readonly lines: number; readonly empty_lines: number }

/** The users of a CSV file, from its chunks. Throws a `SourceFault` where it is not readable as such. */
export async function* readCsv(file: AsyncIterable<Buffer>, form: CsvForm): AsyncGenerator<SourceItem> {
  let read: RowReader | undefined = form.columns && createRowReader(form.columns)
  let width = form.columns?.length
  try {
    const lineOf = createLineCount(form)
    for await (const parsed of parseRecords(file, form)) {
      const { record } = parsed
      const line = lineOf(parsed)
      if (read === undefined) {
        read = createRowReader(record)
        width = record.length
      } else if (record.length === width) {
        yield read(line, record)
      } else {
        yield { line, username: '', fault: `has ${record.length} fields instead of ${width}` }
      }
    }
  } catch (error) {
    // Its own message may show what it stumbled over.
    if (error instanceof CsvError) throw new SourceFault(`is no CSV at line ${error.lines} (${error.code})`)
    throw error
  }
  if (read === undefined) throw new SourceFault('is empty')
}

/** Tells of each record, in their order, the line where it begins; the parser tells where it ends. */
function createLineCount({ backslashes = false }: CsvForm): (parsed: Parsed) => number {
  let before: Position = { lines: 0, empty_lines: 0 }
  let countedTwice = 0
  return ({ record, info }) => {
    const line = before.lines + 1 + info.empty_lines - before.empty_lines - countedTwice
    before = info
    // The parser takes CR LF between quotes for two ends of a line; behind backslashes those are no ends at all.
    if (!backslashes) for (const value of record) countedTwice += value.split('\r\n').length - 1
    return line
  }
}

/** The separator must be known before the parser is made, and stands in the first chunk. */
async function* parseRecords(file: AsyncIterable<Buffer>, form: CsvForm): AsyncGenerator<Parsed> {
  const chunks = file[Symbol.asyncIterator]()
  const head = await chunks.next()
  const first = head.done ? Buffer.alloc(0) : head.value
  const parser = parse(toOptions(form, form.separator ?? findSeparator(first)))
  const filled = pipeline(async function* () {
    yield first
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value
  }, parser)
  // Whoever reads the records hears of it first, and may leave before the end.
  filled.catch(() => parser.destroy())
  yield* parser as AsyncIterable<Parsed>
  await filled
}

/** The separator that stands most often in the first line. */
function findSeparator(head: Buffer): string {
  const [line = ''] = head.toString('utf8').split(/\r?\n/, 1)
  const times = (separator: string) => line.split(separator).length
  return SEPARATORS.reduce((best, separator) => (times(separator) > times(best) ? separator : best))
}

function toOptions({ backslashes = false }: CsvForm, delimiter: string): Options {
  return {
    bom: true,
    info: true,
    delimiter,
    // Nothing is quoted in MySQL's files with tabs.
    quote: backslashes && delimiter === '\t' ? false : '"',
    escape: backslashes ? '\\' : '"',
    // A quote inside a field that is not quoted is one, in MySQL's way of writing.
    relax_quotes: backslashes,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: RECORD_LENGTH_MAX,
    ...(backslashes && { cast: (value: string, { quoting }: { quoting: boolean }) => unescapeField(value, quoting) }),
  }
}

function unescapeField(value: string, quoting: boolean): string {
  if (quoting) return value
  return value === '\\N' ? '' : value.replaceAll(/\\(.)/gs, (_, next: string) => ESCAPED[next] ?? next)
}
