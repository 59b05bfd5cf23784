import { cpus, totalmem } from 'node:os'

/** What a row is to reach: its ratio to the limit, or its own figure where it has no limit; or what its benchmark says. */
export type Target =
  | { readonly atMost: number }
  | { readonly atLeast: number }
  | { readonly is: string; readonly reached: boolean }

/** One row: a figure of ours, beside its limit where there is one, measured in the same run. */
export type Row = {
  readonly what: string
  readonly unit: 'µs' | 'ms' | '/s' | 'bytes' | ''
  readonly ours: number
  readonly limitIs?: string
  readonly limit?: number
  /** Ours to the limit, where that is not the figures' own. */
  readonly ratio?: number
  readonly target?: Target
  /** What else was seen, a sentence or two; stands below the table. */
  readonly note?: string
}

/** Ours to the limit; undefined where there is none. */
function ratioOf({ ours, limit, ratio }: Row): number | undefined {
  return limit === undefined ? undefined : (ratio ?? ours / limit)
}

/** Whether the row's target is reached; undefined where it has none. */
export function isReached(row: Row): boolean | undefined {
  const { target } = row
  if (!target) return undefined
  if ('reached' in target) return target.reached
  const figure = ratioOf(row) ?? row.ours
  return 'atMost' in target ? figure <= target.atMost : figure >= target.atLeast
}

/** The target in words. */
function nameTarget({ target }: Row): string {
  if (!target) return ''
  if ('is' in target) return target.is
  return 'atMost' in target ? `at most ${target.atMost}` : `at least ${target.atLeast}`
}

const HEADER = ['what', 'figure', 'limit', 'its figure', 'ratio', 'target', 'reached']

/** The results as a Markdown page: machine, versions, method, table, notes. */
export function toMarkdown(rows: readonly Row[], versions: Readonly<Record<string, string>>): string {
  return [
    '# Results of `npm run bench`',
    '',
    `Measured on ${new Date().toISOString().slice(0, 10)} with ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ` +
      `${Math.round(totalmem() / 2 ** 30)} GiB; ${Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}.`,
    '',
    'Absolute figures belong to that machine and minute. Ratios are of medians of rounds taken in turn in one run, and',
    'are what to compare. See README.md beside this file for the method.',
    '',
    toTable(rows),
    '',
    ...toNotes(rows),
  ].join('\n')
}

/** The rows as a Markdown table, which is legible in a terminal too. */
export function toTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.what,
    figure(row.ours, row.unit),
    row.limitIs ?? '',
    row.limit === undefined ? '' : figure(row.limit, row.unit),
    ratioOf(row)?.toFixed(2) ?? '',
    nameTarget(row),
    { true: 'yes', false: 'no', undefined: '' }[`${isReached(row)}`],
  ])
  const widths = HEADER.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`
  return [line(HEADER), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n')
}

/** What else was seen, a list item for each row that has a note. */
export function toNotes(rows: readonly Row[]): string[] {
  const notes = rows.flatMap(({ what, note }) => (note ? [`- ${what}: ${note}`] : []))
  return notes.length > 0 ? [...notes, ''] : []
}

function figure(value: number, unit: string): string {
  const text = Math.abs(value) < 100 ? value.toFixed(2) : Math.round(value).toLocaleString('en')
  return `${text} ${unit}`.trimEnd()
}
