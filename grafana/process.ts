import { BytesIEC, PercentUnit, Seconds } from '@grafana/grafana-foundation-sdk/units'
import type { PanelPlan } from './panel.js'
import { rate, series } from './selectors.js'

/** The Node.js process itself. */
export const PROCESS: readonly PanelPlan[] = [
  {
    kind: 'lines',
    title: 'CPU',
    description:
      'Cores that each node uses. Checks run on one thread: near 100 % a node is full, and another node helps where a ' +
      'bigger machine does not.',
    unit: PercentUnit,
    width: 8,
    queries: { '{{instance}}': rate('process_cpu_seconds_total') },
    thresholds: [
      ['green', null],
      ['red', 0.9],
    ],
  },
  {
    kind: 'lines',
    title: 'Memory',
    description:
      'Resident memory and JavaScript heap of each node. A saw tooth is normal; a heap that grows for hours on end is a leak.',
    unit: BytesIEC,
    width: 8,
    queries: {
      'resident {{instance}}': series('process_resident_memory_bytes'),
      'heap {{instance}}': series('nodejs_heap_size_used_bytes'),
    },
  },
  {
    kind: 'lines',
    title: 'Event loop lag',
    description:
      'p99 of the delay with which the process gets to its next piece of work; about 10 ms is rest, the grain of the ' +
      'measurement. Every check waits for as long as what is above that: the node is short of CPU, or something blocks it.',
    unit: Seconds,
    width: 8,
    queries: { '{{instance}}': series('nodejs_eventloop_lag_p99_seconds') },
    thresholds: [
      ['green', null],
      ['red', 0.1],
    ],
  },
]
