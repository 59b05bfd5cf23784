import { NoUnit, RequestsPerSecond, Seconds } from '@grafana/grafana-foundation-sdk/units'
import type { PanelPlan } from './panel.js'
import { rate, series } from './selectors.js'

/** PostgreSQL, Redis, and what is on its way from one to the other. */
export const STORES: readonly PanelPlan[] = [
  {
    kind: 'lines',
    title: 'Stores up',
    description:
      '1 while a node’s store answers, asked every second. redis 0: PostgreSQL answers the checks and changes wait in ' +
      'the outbox. postgres 0: checks go on from Redis, changes are answered with 503. Both: nobody can log in.',
    unit: NoUnit,
    width: 6,
    queries: { '{{store}} {{instance}}': series('sipauthd_store_up') },
    max: 1,
  },
  {
    kind: 'lines',
    title: 'Lookups by source',
    description:
      'Lookups per second by the store that answered. postgres above the odd one: Redis is away, was emptied, or is ' +
      'being rebuilt, and PostgreSQL stands in, for at most 100 questions at a time on each node.',
    unit: RequestsPerSecond,
    width: 6,
    queries: { '{{source}}': `sum by (source) (${rate('sipauthd_lookup_duration_seconds_count')})` },
  },
  {
    kind: 'lines',
    title: 'Mirror lag',
    description:
      'Age of the oldest change that was committed and is not in Redis. Above a second while Redis is up: the relay is ' +
      'held up; read the log for “could not be mirrored”. `sipauthd mirror check` compares both stores.',
    unit: Seconds,
    width: 6,
    queries: { '{{instance}}': series('sipauthd_mirror_lag_seconds') },
    thresholds: [
      ['green', null],
      ['orange', 2],
      ['red', 10],
    ],
  },
  {
    kind: 'lines',
    title: 'Outbox',
    description:
      'Changes committed to PostgreSQL and not yet mirrored. It grows while Redis is away and empties within seconds of ' +
      'its return; one that never empties holds a change that Redis refuses.',
    unit: NoUnit,
    width: 6,
    queries: { '{{instance}}': series('sipauthd_outbox_pending') },
  },
  {
    kind: 'lines',
    title: 'Mirror complete',
    description:
      '1 while the mirror is there and holds everything. 0: it was emptied, restarted or failed over, is away, or lacks a ' +
      'change; whoever it would refuse is looked up in PostgreSQL first. It is rebuilt by itself.',
    unit: NoUnit,
    width: 6,
    queries: { '{{instance}}': series('sipauthd_mirror_complete') },
    max: 1,
  },
  {
    kind: 'lines',
    title: 'Questions not put to a store',
    description:
      'resting: the store did not answer in time a moment ago, so that only one question a second waits for it. full: 100 ' +
      'questions are out at PostgreSQL. The checks go on with the other store, or end as unavailable.',
    unit: RequestsPerSecond,
    width: 6,
    queries: { '{{store}} {{why}}': `sum by (store, why) (${rate('sipauthd_store_unasked_total')})` },
  },
  {
    kind: 'lines',
    title: 'Nonce counts not spent for all',
    description:
      'Right passwords whose nonce count Redis could not record: it is away, hangs, is out of memory or read-only. With ' +
      'REPLAY_GUARD=available the process let them in alone, with strict they got 503.',
    unit: RequestsPerSecond,
    width: 6,
    queries: { '{{instance}}': rate('sipauthd_unshared_spends_total') },
  },
  {
    kind: 'lines',
    title: 'Bindings not stored',
    description:
      'Native phones a second with the right password that got 503 all the same, since Redis took no binding (away, ' +
      'hanging, out of memory, read-only) or told none for a call. Their verdicts count as ok.',
    unit: RequestsPerSecond,
    width: 6,
    queries: { '{{instance}}': rate('sipauthd_bindings_failed_total') },
  },
  {
    kind: 'lines',
    title: 'Near cache entries',
    description:
      'Records of Redis held in each process, those for nothing included; NEAR_CACHE_SIZE is the most. Full, with lookups ' +
      'in Redis for many of the users who are let in: give it more, at most 1 KB each.',
    unit: NoUnit,
    width: 8,
    queries: { '{{instance}}': series('sipauthd_near_cache_entries') },
  },
  {
    kind: 'lines',
    title: 'Near cache live',
    description:
      '1 while changes in Redis are heard of and what is near counts. 0 for long while Redis is up: the user of REDIS_URL ' +
      'may not listen (docs/operations.md), or Redis takes longer than 0.4 s to answer; checks then ask Redis each time.',
    unit: NoUnit,
    width: 8,
    queries: { '{{instance}}': series('sipauthd_near_cache_live') },
    max: 1,
  },
  {
    kind: 'lines',
    title: 'Near cache dropped',
    description:
      'How often a second the near cache was dropped whole, because a connection by which changes are heard of was lost, ' +
      'or a cluster’s masters changed. More than the odd one: look at Redis’s log and its output buffer limit for pubsub.',
    unit: RequestsPerSecond,
    width: 8,
    queries: { '{{instance}}': rate('sipauthd_near_cache_drops_total') },
  },
]
