// The global one is behind a getter, which costs as much as reading the clock.
import { performance } from 'node:perf_hooks'
import type { Histogram, Registry } from 'prom-client'

/** Durations with the same labels. */
export type DurationSeries = {
  observe(seconds: number): void
  /** Observes the time that has passed since then; `startMs` was read from `performance.now()`. */
  observeSince(startMs: number): void
  /**
   * Times the first one and then one of `every`, which counts for all that ended since the last one that was timed. So
   * the number of durations is exact whenever it is read; how long they took is a sample.
   */
  sample(every: number): SampledDurations
}

/** Durations of which some are timed, and stand for the others: each of these calls costs less than reading a clock. */
export type SampledDurations = {
  /** To be called where it begins; what comes of it goes to `end`. */
  begin(): number
  /** To be called where it ends, unless it is not to be counted. */
  end(begun: number): void
}

type Labels = Readonly<Record<string, string>>

/**
 * A histogram of durations that counts in plain numbers: prom-client's own looks labels up and copies objects for every
 * observation, which costs more than a whole check. prom-client asks it for its values when somebody scrapes.
 */
export class DurationHistogram {
  readonly name: string
  readonly help: string
  readonly type = 'histogram'
  readonly aggregator = 'sum'
  readonly #bounds: readonly number[]
  readonly #series = new Map<string, Series>()

  /** `buckets` are upper bounds in seconds, growing. */
  constructor(config: {
    readonly name: string
    readonly help: string
    readonly buckets: readonly number[]
    readonly registers: readonly Registry[]
  }) {
    this.name = config.name
    this.help = config.help
    this.#bounds = config.buckets
    // It asks a metric for no more than what this class has, but names its own classes alone.
    for (const registry of config.registers) registry.registerMetric(this as unknown as Histogram)
  }

  /** The series with these labels, which is shown at zero from now on. */
  series(labels: Labels): DurationSeries {
    const key = JSON.stringify(labels)
    const series = this.#series.get(key) ?? new Series(labels, this.#bounds)
    this.#series.set(key, series)
    return series
  }

  /** All samples, as prom-client shows those of a histogram. */
  async get() {
    const { name, help, type, aggregator } = this
    return { name, help, type, aggregator, values: [...this.#series.values()].flatMap((series) => series.read(name)) }
  }

  reset(): void {
    for (const series of this.#series.values()) series.reset()
  }
}

class Series implements DurationSeries {
  readonly #labels: Labels
  readonly #bounds: readonly number[]
  /** How many lie in each bucket; the last one is for what is above all bounds. */
  readonly #counts: number[]
  readonly #samples: Sample[] = []
  #sum = 0

  constructor(labels: Labels, bounds: readonly number[]) {
    this.#labels = labels
    this.#bounds = bounds
    this.#counts = [...bounds, Number.POSITIVE_INFINITY].map(() => 0)
  }

  /** Once, or as many times as it stands for. */
  observe(seconds: number, times = 1): void {
    // From the lowest on: what happens most often is what is near, and takes microseconds.
    let bucket = 0
    while (seconds > (this.#bounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + times
    this.#sum += seconds * times
  }

  observeSince(startMs: number): void {
    this.observe((performance.now() - startMs) / 1000)
  }

  sample(every: number): SampledDurations {
    const sample = new Sample(every, (seconds, times) => this.observe(seconds, times))
    this.#samples.push(sample)
    return sample
  }

  read(name: string) {
    for (const sample of this.#samples) sample.flush()
    let total = 0
    const buckets = this.#counts.map((count, bucket) => {
      total += count
      const labels = { le: this.#bounds[bucket] ?? '+Inf', ...this.#labels }
      return { metricName: `${name}_bucket`, labels, value: total }
    })
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels: this.#labels, value: this.#sum },
      { metricName: `${name}_count`, labels: this.#labels, value: total },
    ]
  }

  reset(): void {
    for (const sample of this.#samples) sample.flush()
    this.#counts.fill(0)
    this.#sum = 0
  }
}

/** What `begin` says of one that is not timed. */
const UNTIMED = -1

class Sample implements SampledDurations {
  readonly #every: number
  readonly #observe: (seconds: number, times: number) => void
  /** Ended since the last one that was timed. */
  #since: number
  /** Those of them that were not observed yet. */
  #untimed = 0
  #lastSeconds = 0

  constructor(every: number, observe: (seconds: number, times: number) => void) {
    this.#every = every
    this.#observe = observe
    this.#since = every
  }

  begin(): number {
    return this.#since + 1 >= this.#every ? performance.now() : UNTIMED
  }

  end(begun: number): void {
    this.#untimed++
    this.#since++
    if (begun === UNTIMED) return
    this.#since = 0
    this.#lastSeconds = (performance.now() - begun) / 1000
    this.flush()
  }

  /** Those that wait for the next one that is timed count like the last one. */
  flush(): void {
    if (this.#untimed > 0) this.#observe(this.#lastSeconds, this.#untimed)
    this.#untimed = 0
  }
}
