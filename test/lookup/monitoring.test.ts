import t from 'tap'
import { REALM } from '../auth/phone.js'
import { ask } from '../fixtures/http.js'
import { startPostgres } from '../fixtures/postgres.js'
import { startRedis } from '../fixtures/redis.js'
import { startSipauthd } from '../fixtures/sipauthd.js'
import { createTenant, KNOWN_TOKENS } from '../fixtures/tenant.js'
import { until } from '../fixtures/until.js'
import { createProxy } from './proxy.js'

const [postgres, redis] = await Promise.all([startPostgres(t), startRedis(t)])
const env = { ...KNOWN_TOKENS, DATABASE_URL: await postgres.createDatabase(), REDIS_URL: redis.url }
const server = await startSipauthd(t, { env })

const fetchMetrics = async () => (await ask(`${server.auth}/metrics`)).text

/** Samples of a metric, by their labels as they are written. */
function samples(metrics: string, name: string): Map<string, number> {
  const lines = metrics.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`, 'gm'))
  return new Map([...lines].map(([, labels = '', value]) => [labels, Number(value)]))
}

t.test('every metric is there from the start, with its labels, so that no panel waits for a first event', async (t) => {
  const { status, headers, text } = await ask(`${server.auth}/metrics`)
  t.equal(status, 200)
  t.match(headers['content-type'], /^text\/plain/)
  const reasons = `ok no_credentials stale_nonce bad_nonce replayed_nonce bad_response unknown_user disabled
    identity_mismatch uri_mismatch not_allowed unsupported malformed throttled unavailable`.split(/\s+/)
  const verdicts = samples(text, 'sipauthd_verdicts_total')
  for (const door of ['http', 'sip']) {
    for (const reason of reasons) t.ok(verdicts.has(`door="${door}",method="REGISTER",reason="${reason}"`), reason)
    t.ok(samples(text, 'sipauthd_verify_duration_seconds_count').has(`door="${door}"`), door)
  }
  for (const source of ['redis', 'postgres']) {
    t.ok(samples(text, 'sipauthd_lookup_duration_seconds_count').has(`source="${source}"`), source)
  }
  for (const kind of ['user', 'source']) t.ok(samples(text, 'sipauthd_throttled_total').has(`kind="${kind}"`), kind)
  for (const store of ['postgres', 'redis']) {
    t.equal(samples(text, 'sipauthd_store_up').get(`store="${store}"`), 1, store)
  }
  for (const which of [
    'store="postgres",why="full"',
    'store="postgres",why="resting"',
    'store="redis",why="resting"',
  ]) {
    t.equal(samples(text, 'sipauthd_store_unasked_total').get(which), 0, which)
  }
  t.equal(samples(text, 'sipauthd_unshared_spends_total').get(''), 0)
  t.ok(samples(text, 'sipauthd_mirror_complete').has(''))
  for (const name of ['sipauthd_mirror_lag_seconds', 'sipauthd_outbox_pending', 'process_cpu_seconds_total']) {
    t.ok(samples(text, name).has(''), name)
  }
  t.ok(samples(text, 'nodejs_eventloop_lag_seconds').has(''), "Node's own")
})

t.test('no label holds what a stranger chose', async (t) => {
  const proxy = createProxy(server.auth, REALM)
  const strange = 'stranger'
  await proxy.verify({ method: strange, realm: `${strange}.example`, source_ip: strange, user_agent: strange })
  await proxy.attempt({ username: strange }, { method: strange.toUpperCase(), call_id: strange })
  const metrics = await fetchMetrics()
  t.notMatch(metrics, /stranger/i)
  const known = 'door="http",method="other",reason='
  t.equal(samples(metrics, 'sipauthd_verdicts_total').get(`${known}"no_credentials"`), 1)
  t.equal(samples(metrics, 'sipauthd_verdicts_total').get(`${known}"unknown_user"`), 1)
})

t.test('a node is ready while one store can answer, which an empty Redis cannot, and says which is down', async (t) => {
  const tenant = await createTenant(server.api, REALM)
  await tenant.add('alice')
  const proxy = createProxy(server.auth, REALM)
  const state = async (wanted: object, status = 200) => {
    const got = await until(async () => {
      const answer = await proxy.ask('/readyz')
      return JSON.stringify(answer.json) === JSON.stringify(wanted) ? answer : undefined
    })
    t.equal(got?.status, status, JSON.stringify(wanted))
  }
  await state({ ready: true, stores: { postgres: 'up', redis: 'up' } })
  const mirrorIs = (wanted: number) =>
    until(async () => samples(await fetchMetrics(), 'sipauthd_mirror_complete').get('') === wanted)
  await mirrorIs(1)
  const strict = await startSipauthd(t, { env: { ...env, REPLAY_GUARD: 'strict' } })
  const strictReadiness = async () => (await ask(`${strict.auth}/readyz`)).status
  t.equal(await strictReadiness(), 200)
  await redis.stop()
  // Without Redis a strict replay guard lets nobody in, so another node may be asked instead.
  await until(async () => (await strictReadiness()) === 503)
  await state({ ready: true, stores: { postgres: 'up', redis: 'down' } })
  t.match(await proxy.attempt(), { status: 200 }, 'PostgreSQL answers')
  t.equal(samples(await fetchMetrics(), 'sipauthd_store_up').get('store="redis"'), 0)
  await mirrorIs(0)
  await postgres.stop()
  await state({ ready: false, stores: { postgres: 'down', redis: 'down' } }, 503)
  t.match(await proxy.verify(), { status: 503, json: { reason: 'unavailable' } })
  t.match(await ask(`${server.auth}/healthz`), { status: 200, json: { status: 'ok' } })
  await redis.restart()
  await state({ ready: false, stores: { postgres: 'down', redis: 'up' } }, 503)
  t.match(await proxy.verify(), { status: 503 }, 'an empty Redis is no truth')
  await postgres.restart()
  await state({ ready: true, stores: { postgres: 'up', redis: 'up' } })
  t.match(await proxy.attempt(), { status: 200 })
})
