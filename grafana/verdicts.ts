import { PercentUnit, RequestsPerSecond } from '@grafana/grafana-foundation-sdk/units'
import type { Reason } from '../src/auth/verdict.js'
import type { PanelPlan } from './panel.js'
import { rate, SUCCESS_RATIO } from './selectors.js'

/** Green is let in, blue the normal course of digest, yellow to red what somebody should look at. */
const REASON_COLOURS: Readonly<Record<Reason, string>> = {
  ok: 'green',
  no_credentials: 'light-blue',
  stale_nonce: 'blue',
  bad_nonce: 'yellow',
  replayed_nonce: 'dark-yellow',
  bad_response: 'orange',
  unknown_user: 'dark-orange',
  disabled: 'light-purple',
  identity_mismatch: 'purple',
  uri_mismatch: 'dark-purple',
  not_allowed: 'super-light-purple',
  unsupported: 'light-yellow',
  malformed: 'text',
  throttled: 'light-red',
  unavailable: 'red',
}

/** What is asked, and what is answered. */
export const VERDICTS: readonly PanelPlan[] = [
  {
    kind: 'stack',
    title: 'Verdicts by reason',
    description:
      'Checks per second by outcome. Normal: ok with about as many no_credentials or stale_nonce, since a digest takes ' +
      'two requests. bad_response and unknown_user: wrong passwords, or somebody guessing. bad_nonce: nodes with ' +
      'different NONCE_SECRETs, or forged nonces. replayed_nonce: a proxy that asks before it absorbs ' +
      'retransmissions. unavailable: no store can be read.',
    unit: RequestsPerSecond,
    width: 12,
    queries: { '{{reason}}': `sum by (reason) (${rate('sipauthd_verdicts_total')})` },
    colours: REASON_COLOURS,
  },
  {
    kind: 'stack',
    title: 'Requests by door and method',
    description:
      'Checks per second by where they came in (http: a proxy, sip: a phone) and SIP method. A peak of REGISTER after ' +
      'an outage is phones coming back. A door that falls silent: look at what stands before it.',
    unit: RequestsPerSecond,
    width: 12,
    queries: { '{{door}} {{method}}': `sum by (door, method) (${rate('sipauthd_verdicts_total')})` },
  },
  {
    kind: 'lines',
    title: 'Success ratio',
    description:
      'Share let in among the requests that brought a fresh nonce. It falls when passwords are wrong, when somebody ' +
      'guesses them, and when stores are away.',
    unit: PercentUnit,
    width: 8,
    queries: { success: SUCCESS_RATIO },
    max: 1,
    thresholds: [
      ['red', null],
      ['orange', 0.5],
      ['green', 0.9],
    ],
  },
  {
    kind: 'lines',
    title: 'Refused nonces',
    description:
      'Share of each refusal among the requests that brought an Authorization. stale_nonce up to a half is normal: ' +
      'phones that begin with the nonce of last time. More: phones that cannot take a fresh challenge, or node clocks ' +
      'that differ. bad_nonce: nodes with different NONCE_SECRETs.',
    unit: PercentUnit,
    width: 8,
    queries: {
      '{{reason}}':
        `sum by (reason) (${rate('sipauthd_verdicts_total', 'reason=~"stale_nonce|bad_nonce|replayed_nonce"')})` +
        ` / scalar(sum(${rate('sipauthd_verdicts_total', 'reason!="no_credentials"')}))`,
    },
    max: 1,
    colours: REASON_COLOURS,
  },
  {
    kind: 'lines',
    title: 'Throttled by kind',
    description:
      'Checks per second refused for too many wrong passwords; sipauthd ban list tells whose. user: one user from one ' +
      'source. retry: the same over a long time, mostly a phone with an old password. source: one address over many ' +
      'users, somebody guessing, or many phones behind one address. bans begun: each is a line of the log. ' +
      'failures without source: wrong passwords that cannot be throttled, since the proxy sends no source_ip.',
    unit: RequestsPerSecond,
    width: 8,
    queries: {
      '{{kind}}': `sum by (kind) (${rate('sipauthd_throttled_total')})`,
      '{{kind}} bans begun': `sum by (kind) (${rate('sipauthd_bans_total')})`,
      'failures without source': `sum(${rate('sipauthd_failures_without_source_total')})`,
    },
  },
]
