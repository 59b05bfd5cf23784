import { pino } from 'pino'
import t from 'tap'
import { createRareWarning, OUTAGE_QUIET_MS } from '../../src/auth/rare-warning.js'
import { createReplayGuard } from '../../src/auth/replay-guard.js'
import { createThrottle } from '../../src/auth/throttle.js'
import { createMetrics } from '../../src/metrics.js'

function capture() {
  const lines: { level: number; times: number; msg: string }[] = []
  return { lines, log: pino({ level: 'info' }, { write: (line) => lines.push(JSON.parse(line)) }) }
}

const away = () => Promise.reject(new Error('no answer'))

t.test('a warning is logged at once, and then every ten seconds at most, with how often it happened', (t) => {
  const { lines, log } = capture()
  let time = 0
  const warn = createRareWarning({ text: 'it is away', log, now: () => time })
  for (time = 0; time < 25_000; time += 1_000) warn(new Error('no answer'))
  t.match(lines, [
    { level: 40, times: 1, msg: 'it is away', err: { message: 'no answer' } },
    { times: 10 },
    { times: 10 },
  ])
  t.equal(lines.length, 3)
  t.end()
})

t.test('what goes on for long is warned of once a minute', (t) => {
  const { lines, log } = capture()
  let time = 0
  const warn = createRareWarning({ text: 'it is away', log, now: () => time, quietMs: OUTAGE_QUIET_MS })
  for (time = 0; time < 61_000; time += 1_000) warn(new Error('no answer'))
  t.match(lines, [{ times: 1 }, { times: 60 }])
  t.end()
})

t.test('a node whose replay guard or throttle acts alone says so, once for many requests', async (t) => {
  const { lines, log } = capture()
  const now = () => 0
  const metrics = createMetrics()
  const records = { shared: { spend: away }, local: { spend: () => true } }
  const guard = createReplayGuard({ ...records, strict: false, metrics, log, now })
  const throttle = createThrottle({
    shared: { isWithoutBans: false, peekBan: () => undefined, readBan: away, countFailure: away },
    local: {
      isWithoutBans: true,
      peekBan: () => null,
      readBan: async () => undefined,
      countFailure: async () => ({ ban: undefined, left: 1 }),
    },
    limits: {
      ...{ userFailures: 10, sourceFailures: 100, windowMs: 60_000, retryFailures: 20, retryWindowMs: 60_000 },
      ...{ banMs: 60_000, banMaxMs: 60_000 },
    },
    ...{ metrics, now, log },
  })
  const use = { nonceId: 'n1', expiresAtMs: 60_000, username: 'alice', count: 1, response: 'r' }
  for (let request = 0; request < 5; request++) {
    t.equal(await guard.spend(use), true)
    t.equal(await throttle.check({ realm: 'example.com', username: 'alice', sourceIp: '192.0.2.1' }), undefined)
  }
  t.match(lines, [{ msg: /this process guards alone/ }, { msg: /this process throttles alone/ }])
  t.equal(lines.length, 2)
})
