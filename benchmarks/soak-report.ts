import { cpus, totalmem } from 'node:os'
import type { Tally } from './soak-tally.js'
import { KINDS } from './soak-users.js'

/** What a soak came to. */
export type SoakOutcome = {
  readonly seconds: number
  readonly seed: number
  readonly maximum: number
  readonly rate: number
  readonly faults: readonly string[]
  readonly tally: Tally
  readonly writes: { readonly acknowledged: number; readonly refused: number; readonly lost: number }
  readonly users: number
  readonly memory: {
    readonly start: Record<string, number>
    readonly end: Record<string, number>
    readonly peak: Record<string, number>
  }
}

/** The outcome as a Markdown page. */
export function toSoakReport(outcome: SoakOutcome): string {
  const { tally, writes, memory } = outcome
  const counts = new Map<string, number>()
  for (const fault of outcome.faults) counts.set(fault, (counts.get(fault) ?? 0) + 1)
  return [
    '# Results of `npm run soak`',
    '',
    `${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ` +
      `${Math.round(totalmem() / 2 ** 30)} GiB: ${outcome.seconds} s, seed ${outcome.seed}; two nodes on private PostgreSQL ` +
      `and Redis; ${Math.round(outcome.maximum)} logins a second at most, ${Math.round(outcome.rate)} asked for.`,
    '',
    '| wrong answers | |',
    '| --- | --- |',
    `| right passwords refused outside the stated disturbance | ${tally.wrong.rightRefused} |`,
    `| wrong passwords accepted | ${tally.wrong.wrongAccepted} |`,
    `| acknowledged changes lost | ${writes.lost} |`,
    '',
    `${tally.attempts} logins, ${tally.disturbed} of them without an answer within a stated disturbance; ` +
      `${writes.acknowledged} writes acknowledged, ${writes.refused} refused or unanswered; ${outcome.users} users at the end.`,
    '',
    '| presented | came to |',
    '| --- | --- |',
    ...KINDS.map(
      (kind) => `| ${kind} | ${[...tally.verdicts[kind]].map(([reason, n]) => `${reason} ${n}`).join(', ')} |`,
    ),
    '',
    '| resident MiB | start | peak | end |',
    '| --- | --- | --- | --- |',
    ...Object.keys(memory.start).map(
      (name) => `| ${name} | ${memory.start[name]} | ${memory.peak[name]} | ${memory.end[name]} |`,
    ),
    '',
    `Faults: ${[...counts].map(([what, n]) => `${what} ${n}`).join(', ')}.`,
    '',
    ...tally.examples.map((example) => `- ${example}`),
  ].join('\n')
}
