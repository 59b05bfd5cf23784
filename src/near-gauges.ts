import { Counter, Gauge, type Registry } from 'prom-client'

/** What is shown of a near cache. */
export type ShownNearCache = {
  /** Entries held. */
  readonly size: number
  /** Whether it may be read. */
  readonly live: boolean
  /** How many times it was dropped whole. */
  readonly losses: number
}

/** Metrics of the near cache, read when somebody scrapes; zero where there is none, and `live` is not there then. */
export function createNearGauges(registers: Registry[]) {
  let shown: ShownNearCache = { size: 0, live: false, losses: 0 }
  let isShown = false
  let told = 0
  new Gauge({
    name: 'sipauthd_near_cache_entries',
    help: 'Records of Redis held in this process, those for nothing included.',
    registers,
    collect() {
      this.set(shown.size)
    },
  })
  new Gauge({
    name: 'sipauthd_near_cache_live',
    help: '1 while changes in Redis are heard of and the near cache is read, 0 while every check asks Redis; none without one.',
    aggregator: 'min',
    registers,
    collect() {
      // Nobody is to be alarmed of what was turned off.
      if (isShown) this.set(shown.live ? 1 : 0)
      else this.remove()
    },
  })
  new Counter({
    name: 'sipauthd_near_cache_drops_total',
    help: 'How many times the near cache was dropped whole because changes were not heard of.',
    registers,
    collect() {
      this.inc(shown.losses - told)
      told = shown.losses
    },
  })
  return {
    show(cache: ShownNearCache): void {
      shown = cache
      isShown = true
    },
  }
}
