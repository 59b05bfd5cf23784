import type { Log } from '../log.js'
import type { Metrics } from '../metrics.js'
import type { AuthRequest } from './auth-request.js'
import { createRefusalLine } from './refusal-line.js'
import { REASONS, type Reason, type Verdict } from './verdict.js'

const DOORS = ['http', 'sip'] as const

/** A door that a request came through; the label `door` of the metrics. */
export type Door = (typeof DOORS)[number]

/** Records a verdict in metrics and log, and hands it on; `startMs` was read from `performance.now()`. */
export type Recorder = (door: Door, request: AuthRequest, startMs: number, verdict: Verdict) => Verdict

export function createRecorder({ metrics, log }: { readonly metrics: Metrics; readonly log: Log }): Recorder {
  const { verdicts, verifySeconds } = metrics
  const tellRefusal = createRefusalLine({ log, now: () => performance.now() })
  const seconds = { http: verifySeconds.series({ door: 'http' }), sip: verifySeconds.series({ door: 'sip' }) }
  // A rate sees the first verdict of its kind only where there was a zero.
  for (const door of DOORS) for (const reason of Object.keys(REASONS) as Reason[]) verdicts.show(door, reason)

  return (door, request, startMs, verdict) => {
    seconds[door].observeSince(startMs)
    verdicts.count(door, request.method, verdict.reason)
    if (verdict.reason !== 'ok') tellRefusal?.(door, request, verdict)
    return verdict
  }
}
