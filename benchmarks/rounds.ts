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

/**
 * Measures two things whose difference is small beside the machine's noise: in many short rounds in turn, each of two
 * neighbours, who begins changing from one to the next. What disturbs the machine disturbs both neighbours, so the
 * ratio is the median of theirs, and not that of the medians; `middleHalf` is where the middle half of the ratios lies.
 */
export async function inPairs(ours: Candidate, limit: Candidate, rounds: number): Promise<Pair & Ratio> {
  await ours()
  await limit()
  const figures: { ours: number[]; limit: number[]; ratios: number[] } = { ours: [], limit: [], ratios: [] }
  for (let round = 0; round < rounds; round++) {
    const first = await (round % 2 === 0 ? ours : limit)()
    const second = await (round % 2 === 0 ? limit : ours)()
    const pair = round % 2 === 0 ? { ours: first, limit: second } : { ours: second, limit: first }
    figures.ours.push(pair.ours)
    figures.limit.push(pair.limit)
    figures.ratios.push(pair.ours / pair.limit)
  }
  const [low, ratio, high] = [0.25, 0.5, 0.75].map((share) => quantile(figures.ratios, share))
  if (low === undefined || ratio === undefined || high === undefined) throw new Error('there were no rounds')
  return { ours: median(figures.ours), limit: median(figures.limit), ratio, middleHalf: [low, high] }
}

/** The ratio of ours to the limit, of pairs of rounds that stood beside each other. */
export type Ratio = { readonly ratio: number; readonly middleHalf: readonly [low: number, high: number] }

/** What the ratios of the pairs were, in words. */
export function describePairs({ middleHalf: [low, high] }: Ratio, rounds: number): string {
  return `The ratio is the median of those of ${rounds} pairs of rounds; half of them lie within ${low.toFixed(2)} and ${high.toFixed(2)}.`
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
