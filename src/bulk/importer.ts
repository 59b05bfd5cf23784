import type { ImportInput, ImportOutcome, ImportProvision } from '../provision/imports.js'
import { Rehearsal } from '../provision/rehearsal.js'
import { type RealmChoice, toCandidate } from './candidate.js'
import type { Report } from './report.js'
import type { SourceItem, SourceRow } from './source-row.js'
import type { Target, Targets } from './targets.js'

/** Rows that go into one transaction. */
const BATCH = 1_000

/** Rows that wait for a batch of their list to fill, in all; with more lists than that holds, batches are smaller. */
const WAITING_MAX = 20_000

/** What has become of the rows that were read. */
export type ImportCounts = { read: number; created: number; updated: number; unchanged: number; refused: number }

const REFUSALS: Readonly<Partial<Record<ImportOutcome, string>>> = {
  different: 'is there already with another password, HA1, description or state: --update replaces it',
  elsewhere: 'is there already, in another list of the same realm',
}

/** A row on its way, by the list that it goes to. */
type Waiting = { readonly target: Target; readonly rows: { readonly line: number; readonly input: ImportInput }[] }

/**
 * Imports everything that a source gives, and keeps count of what becomes of it. A row that is refused stops nothing; an
 * error of the source or of a store ends it, and what was written until then stays, so that a second run completes it.
 */
export async function importAll(
  source: AsyncIterable<SourceItem>,
  deps: {
    readonly imports: ImportProvision
    readonly targets: Targets
    readonly realms: RealmChoice
    /** Whether what is there already is replaced by what is different. */
    readonly update: boolean
    /** Whether nothing is to be written. */
    readonly dryRun: boolean
    readonly report: Report
    /** Begins with noughts, and is true at any moment, however it ends. */
    readonly counts: ImportCounts
    /** Called now and then. */
    readonly onProgress: (counts: Readonly<ImportCounts>) => void
  },
): Promise<void> {
  const { imports, targets, report, update, counts } = deps
  const waiting = new Map<Target, Waiting>()
  const rehearsal = deps.dryRun ? new Rehearsal() : undefined
  let waitingRows = 0
  /** One batch is written while the next one is read, and no more. */
  let writing: Promise<void> = Promise.resolve()
  let published: Promise<void> = Promise.resolve()

  function refuse(line: number, username: string, realm: string, reason: string): void {
    counts.refused++
    report.refuse({ line, username, realm, reason })
  }

  async function take(row: SourceRow): Promise<void> {
    const candidate = toCandidate(row, deps.realms)
    if ('refused' in candidate) return refuse(row.line, row.username, row.realm, candidate.refused)
    const { realm, input } = candidate
    const target = await targets.find({ account: row.account, list: row.list, realm })
    if ('refused' in target) return refuse(row.line, row.username, realm, target.refused)
    const batch = waiting.get(target) ?? { target, rows: [] }
    waiting.set(target, batch)
    batch.rows.push({ line: row.line, input })
    waitingRows++
    if (batch.rows.length >= BATCH) await flush(batch)
    else if (waitingRows >= WAITING_MAX) for (const each of [...waiting.values()]) await flush(each)
  }

  async function flush(batch: Waiting): Promise<void> {
    waiting.delete(batch.target)
    waitingRows -= batch.rows.length
    await writing
    writing = write(batch)
    // Heard by whoever waits for it next.
    writing.catch(() => undefined)
  }

  async function write({ target, rows }: Waiting): Promise<void> {
    const outcomes = await bring(
      target,
      rows.map(({ input }) => input),
    )
    for (const [index, { line, input }] of rows.entries()) {
      const outcome = outcomes[index] as ImportOutcome
      if (outcome === 'different' || outcome === 'elsewhere') {
        refuse(line, input.username, target.realm, REFUSALS[outcome] ?? outcome)
      } else counts[outcome]++
    }
    deps.onProgress(counts)
  }

  async function bring(target: Target, inputs: readonly ImportInput[]): Promise<ImportOutcome[]> {
    if (rehearsal) return imports.rehearse(target, inputs, update, rehearsal)
    // One batch is mirrored while the next one is written, and no more.
    const before = published
    const done = await imports.run(target, inputs, update)
    await before
    published = done.published
    return done.outcomes
  }

  try {
    for await (const item of source) {
      counts.read++
      if ('fault' in item) refuse(item.line, item.username, '', item.fault)
      else await take(item)
      if (counts.read % BATCH === 0) deps.onProgress(counts)
    }
    for (const batch of [...waiting.values()]) await flush(batch)
    await writing
  } finally {
    // Nothing goes on behind an early end.
    await writing.catch(() => undefined)
    await published
  }
}
