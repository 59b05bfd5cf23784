import { Readable } from 'node:stream'
import { type CsvForm, readCsv } from '../../src/bulk/csv-source.js'
import type { SourceItem } from '../../src/bulk/source-row.js'

/** An item as a test compares it: the password shown, and nothing that the source did not give. */
export function show(item: SourceItem): Record<string, unknown> {
  const shown = 'fault' in item ? item : { ...item, password: item.password?.reveal() }
  const given = Object.entries(shown).filter(([, value]) => value !== '' && value !== undefined)
  return Object.fromEntries(given.filter(([name, value]) => name !== 'ha1s' || Object.keys(value as object).length > 0))
}

/** The items of a CSV text, which comes in chunks of so many bytes. */
export async function csvItems(text: string | Buffer, form: CsvForm = {}, chunk = 7): Promise<unknown[]> {
  const bytes = Buffer.from(text)
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, index) =>
    bytes.subarray(index * chunk, (index + 1) * chunk),
  )
  // The first one holds the header, as that of any file does.
  const head = bytes.indexOf('\n') + 1
  const items: unknown[] = []
  const file = Readable.from(chunk < head ? [bytes.subarray(0, head), bytes.subarray(head)] : chunks)
  for await (const item of readCsv(file, form)) items.push(show(item))
  return items
}
