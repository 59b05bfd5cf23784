/** One thing that is measured: runs for a while and answers a figure. */
export type Candidate = () => Promise<number>

/**
 * Measures two things side by side: one warm-up each, then in turn, so that a noisy machine is noisy for both.
 * Answers the medians.
 */
export async function sideBySide(ours: Candidate, limit: Candidate, rounds = 7): Promise<Pair> {
  await ours()
  await limit()
  const figures: { ours: number[]; limit: number[] } = { ours: [], limit: [] }
  for (let round = 0; round < rounds; round++) {
    figures.ours.push(await ours())
    figures.limit.push(await limit())
  }
  return { ours: median(figures.ours), limit: median(figures.limit) }
}

export type Pair = { readonly ours: number; readonly limit: number }

export function median(figures: readonly number[]): number {
  return quantile(figures, 0.5)
}

/** The figure below which the given share of all lies. */
export function quantile(figures: readonly number[], share: number): number {
  const sorted = [...figures].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** Runs work `times` times, one after the other, and answers ns for each. */
export async function nsEach(times: number, work: (index: number) => unknown): Promise<number> {
  const start = process.hrtime.bigint()
  for (let index = 0; index < times; index++) await work(index)
  return Number(process.hrtime.bigint() - start) / times
}
