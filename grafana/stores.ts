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
]
