import { Seconds } from '@grafana/grafana-foundation-sdk/units'
import type { PanelPlan } from './panel.js'
import { quantiles } from './selectors.js'

/** How long phones and proxies wait. */
export const LATENCY: readonly PanelPlan[] = [
  {
    kind: 'lines',
    title: 'Verify latency by door',
    description:
      'Time from a parsed request to its verdict. A millisecond is normal with Redis near. p99 alone high: a store ' +
      'that stalls, or PostgreSQL standing in for Redis. All high: this process is short of CPU; see “Event loop lag”.',
    unit: Seconds,
    width: 12,
    queries: quantiles('sipauthd_verify_duration_seconds', 'door'),
    thresholds: [
      ['green', null],
      ['red', 0.05],
    ],
  },
  {
    kind: 'lines',
    title: 'Lookup latency by source',
    description:
      'Time to find a credential, by the store that answered: near is this process, redis the mirror, postgres the ' +
      'truth. It tells which store makes verify slow.',
    unit: Seconds,
    width: 12,
    queries: quantiles('sipauthd_lookup_duration_seconds', 'source'),
  },
]
