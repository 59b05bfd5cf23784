/** PromQL that the panels share. The dashboard's variables `job` and `instance` choose what is looked at. */

/** One metric of the chosen nodes; `matchers` are further ones, as in `reason="ok"`. */
export function series(metric: string, ...matchers: readonly string[]): string {
  return `${metric}{${['job="$job"', 'instance=~"$instance"', ...matchers].join(',')}}`
}

/** A counter's growth per second, over as many scrapes as Grafana finds right for the picture. */
export function rate(metric: string, ...matchers: readonly string[]): string {
  return `rate(${series(metric, ...matchers)}[$__rate_interval])`
}

/** Quantiles of a histogram for each value of a label, by legend: `p99 {{door}}`, for example. */
export function quantiles(histogram: string, label: string): Readonly<Record<string, string>> {
  const buckets = `sum by (le, ${label}) (${rate(`${histogram}_bucket`)})`
  const shares = [0.5, 0.9, 0.99]
  return Object.fromEntries(
    shares.map((share) => [`p${share * 100} {{${label}}}`, `histogram_quantile(${share}, ${buckets})`]),
  )
}

/** The verdicts that say nothing of right or wrong: first challenges, and nonces that ran out. */
const UNDECIDED = 'reason!~"no_credentials|stale_nonce"'

/** Share of those let in among the requests that were decided. Where nobody was let in, it is 0 and not nothing. */
export const SUCCESS_RATIO =
  `(sum(${rate('sipauthd_verdicts_total', 'reason="ok"')}) or vector(0))` +
  ` / sum(${rate('sipauthd_verdicts_total', UNDECIDED)})`
