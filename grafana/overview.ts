import { DurationSeconds, NoUnit, PercentUnit, RequestsPerSecond, Seconds } from '@grafana/grafana-foundation-sdk/units'
import type { PanelPlan } from './panel.js'
import { rate, SUCCESS_RATIO, series } from './selectors.js'

/** One look at whether phones can log in. */
export const OVERVIEW: readonly PanelPlan[] = [
  {
    kind: 'stat',
    title: 'Nodes up',
    description:
      'Nodes that Prometheus can scrape. Fewer than you run: look at the missing one’s process, its log and its /readyz.',
    unit: NoUnit,
    width: 4,
    queries: { nodes: `sum(${series('up')})` },
    thresholds: [
      ['red', null],
      ['green', 1],
    ],
  },
  {
    kind: 'stat',
    title: 'Youngest node',
    description:
      'Time since the youngest node started. Small without a rollout: something ends the process; read its log.',
    unit: DurationSeconds,
    width: 4,
    queries: { uptime: `min(time() - ${series('process_start_time_seconds')})` },
    thresholds: [
      ['orange', null],
      ['green', 600],
    ],
  },
  {
    kind: 'stat',
    title: 'Let in',
    description: 'Requests per second that authenticated. A sudden fall to nothing while checks go on means an outage.',
    unit: RequestsPerSecond,
    width: 4,
    queries: { ok: `sum(${rate('sipauthd_verdicts_total', 'reason="ok"')})` },
  },
  {
    kind: 'stat',
    title: 'Success ratio',
    description:
      'Share let in among the requests that brought a fresh nonce. First challenges and nonces that ran out are the ' +
      'normal course of digest and do not count. Low: see “Verdicts by reason” for what refuses the rest.',
    unit: PercentUnit,
    width: 4,
    queries: { success: SUCCESS_RATIO },
    max: 1,
    thresholds: [
      ['red', null],
      ['orange', 0.5],
      ['green', 0.9],
    ],
  },
  {
    kind: 'stat',
    title: 'Unavailable',
    description:
      'Checks per second answered with 503 since no store could be read. Anything above 0: phones cannot log in; see “Stores up”.',
    unit: RequestsPerSecond,
    width: 4,
    queries: { unavailable: `sum(${rate('sipauthd_verdicts_total', 'reason="unavailable"')}) or vector(0)` },
    thresholds: [
      ['green', null],
      ['red', 0.001],
    ],
  },
  {
    kind: 'stat',
    title: 'Mirror lag',
    description:
      'Age of the oldest change that Redis lacks. Above a few seconds a deleted credential or an old password may still ' +
      'work for proxies that read Redis themselves; see “Outbox” and “Stores up”.',
    unit: Seconds,
    width: 4,
    queries: { lag: `max(${series('sipauthd_mirror_lag_seconds')})` },
    thresholds: [
      ['green', null],
      ['orange', 2],
      ['red', 10],
    ],
  },
]
