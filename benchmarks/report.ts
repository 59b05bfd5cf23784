import { cpus, totalmem } from 'node:os'

/** One row: a figure of ours beside its limit, measured in the same run. */
export type Row = {
  readonly what: string
  readonly limitIs: string
  readonly unit: 'µs' | '/s'
  readonly ours: number
  readonly limit: number
}

/** The results as a Markdown page: machine, versions, method, table. */
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
  ].join('\n')
}

/** The rows as a Markdown table, which is legible in a terminal too. */
export function toTable(rows: readonly Row[]): string {
  const cells = rows.map(({ what, limitIs, unit, ours, limit }) => [
    what,
    `${figure(ours)} ${unit}`,
    limitIs,
    `${figure(limit)} ${unit}`,
    (ours / limit).toFixed(2),
  ])
  const header = ['what', 'sipauthd', 'limit', 'its figure', 'ratio']
  const widths = header.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n')
}

function figure(value: number): string {
  return value < 100 ? value.toFixed(2) : Math.round(value).toLocaleString('en')
}
