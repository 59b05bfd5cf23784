import { median, quantile } from './rounds.js'

/** How two samples compare, ours to the other. */
export type Comparison = {
  /** Difference of the medians, and the interval that holds it with 99 % confidence (bootstrap percentiles). */
  readonly difference: number
  readonly low: number
  readonly high: number
  /** Chance that one of ours is above one of the other, ties half; 0.5 where both are alike. */
  readonly superiority: number
  /** Two-sided p of the Mann-Whitney U test, by its normal approximation. */
  readonly p: number
}

const RESAMPLES = 400

/** Compares two samples of some hundreds or more. */
export function compare(ours: readonly number[], other: readonly number[]): Comparison {
  const resampled = Array.from({ length: RESAMPLES }, () => resampleMedian(ours) - resampleMedian(other))
  return {
    difference: median(ours) - median(other),
    low: quantile(resampled, 0.005),
    high: quantile(resampled, 0.995),
    ...mannWhitney(ours, other),
  }
}

function resampleMedian(sample: readonly number[]): number {
  const drawn = new Float64Array(sample.length)
  for (let index = 0; index < drawn.length; index++) {
    drawn[index] = sample[Math.floor(Math.random() * sample.length)] ?? Number.NaN
  }
  return drawn.sort()[Math.floor(drawn.length / 2)] ?? Number.NaN
}

/** Mann and Whitney, "On a test of whether one of two random variables is stochastically larger", 1947; with ties. */
function mannWhitney(ours: readonly number[], other: readonly number[]) {
  const all = [...ours.map((value) => ({ value, isOurs: true })), ...other.map((value) => ({ value, isOurs: false }))]
  all.sort((a, b) => a.value - b.value)
  let rankSum = 0
  let ties = 0
  for (let start = 0; start < all.length; ) {
    let end = start
    while (end < all.length && all[end]?.value === all[start]?.value) end++
    const rank = (start + end + 1) / 2
    for (let index = start; index < end; index++) if (all[index]?.isOurs) rankSum += rank
    ties += (end - start) ** 3 - (end - start)
    start = end
  }
  const [m, n, total] = [ours.length, other.length, all.length]
  const u = rankSum - (m * (m + 1)) / 2
  const deviation = Math.sqrt(((m * n) / 12) * (total + 1 - ties / (total * (total - 1))))
  return { superiority: u / (m * n), p: twoSided(Math.abs(u - (m * n) / 2) / deviation) }
}

/** Chance that a standard normal variable is at least so far from 0: Abramowitz and Stegun, 7.1.26. */
function twoSided(z: number): number {
  const x = z / Math.SQRT2
  const t = 1 / (1 + 0.3275911 * x)
  const polynomial = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
  return polynomial * Math.exp(-x * x)
}
