import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { DurationHistogram } from './duration-histogram.js'
import { createNearGauges } from './near-gauges.js'
import { createVerdictCounter } from './verdict-counter.js'

/** Every `sipauthd_…` metric, created once and passed in; durations are in seconds. */
export type Metrics = ReturnType<typeof createMetrics>

/**
 * Creates the metrics on a registry of their own, Node's own metrics included.
 * Each gauge says what it is for a node of several processes (`aggregator`; the sum where it says nothing).
 * Buckets reach from 10 µs (a near-cache hit) to 2.5 s (a store timing out).
 */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  const buckets = [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 2.5]
  collectDefaultMetrics({ register: registry })
  return {
    registry,
    verdicts: createVerdictCounter(registers),
    /** Label `door`. */
    verifySeconds: new DurationHistogram({
      name: 'sipauthd_verify_duration_seconds',
      help: 'Time from a parsed request to its verdict.',
      buckets,
      registers,
    }),
    /** Label `source`. */
    lookupSeconds: new DurationHistogram({
      name: 'sipauthd_lookup_duration_seconds',
      help: 'Time to find a credential, by where it was found.',
      buckets,
      registers,
    }),
    mirrorLagSeconds: new Gauge({
      name: 'sipauthd_mirror_lag_seconds',
      help: 'Age of the oldest change that is not mirrored yet; 0 when none waits.',
      aggregator: 'max',
      registers,
    }),
    outboxPending: new Gauge({
      name: 'sipauthd_outbox_pending',
      help: 'Changes committed to PostgreSQL and not yet mirrored.',
      aggregator: 'max',
      registers,
    }),
    throttled: new Counter({
      name: 'sipauthd_throttled_total',
      help: 'Checks refused by the throttle, by what was throttled: one user from one source (also by retries), a source.',
      labelNames: ['kind'] as const,
      registers,
    }),
    bans: new Counter({
      name: 'sipauthd_bans_total',
      help: 'Bans begun by the throttle: of one user from one source, by retries over a long time, of a source.',
      labelNames: ['kind'] as const,
      registers,
    }),
    failuresWithoutSource: new Counter({
      name: 'sipauthd_failures_without_source_total',
      help: 'Wrong passwords and unknown users that the throttle could not count: the request named no source address.',
      registers,
    }),
    unsharedSpends: new Counter({
      name: 'sipauthd_unshared_spends_total',
      help: 'Nonce counts that could not be spent for all nodes: let in by this process alone, or refused (REPLAY_GUARD).',
      registers,
    }),
    bindingsFailed: new Counter({
      name: 'sipauthd_bindings_failed_total',
      help: 'Requests of native phones that were let in and got 503: their bindings could not be read or changed in Redis.',
      registers,
    }),
    unasked: new Counter({
      name: 'sipauthd_store_unasked_total',
      help: 'Questions not put to a store: it did not answer a moment ago (resting), or too many were out (full).',
      labelNames: ['store', 'why'] as const,
      registers,
    }),
    mirrorComplete: new Gauge({
      name: 'sipauthd_mirror_complete',
      help: '1 while the mirror is there and holds everything, 0 while PostgreSQL confirms what it would refuse.',
      aggregator: 'min',
      registers,
    }),
    nearCache: createNearGauges(registers),
    storeUp: new Gauge({
      name: 'sipauthd_store_up',
      help: '1 while the store answers, 0 while it does not.',
      labelNames: ['store'] as const,
      aggregator: 'min',
      registers,
    }),
  }
}
