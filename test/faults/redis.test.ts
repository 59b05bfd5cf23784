import t from 'tap'
import { startPostgres } from '../fixtures/postgres.js'
import { startRedis } from '../fixtures/redis.js'
import { startSlowProxy } from '../fixtures/slow-proxy.js'
import { until } from '../fixtures/until.js'
import { endure, type Fault } from './endure.js'
import { openSite } from './site.js'

const [postgres, redis] = await Promise.all([startPostgres(t), startRedis(t)])
const proxy = await startSlowProxy(t, { path: redis.socket })
const env = { DATABASE_URL: await postgres.createDatabase(), REDIS_URL: `redis://127.0.0.1:${proxy.port}` }
const site = await openSite(t, env, redis.cli)

const UP = 'sipauthd_store_up{store="redis"}'
const COMPLETE = 'sipauthd_mirror_complete'
const UNSHARED = 'sipauthd_unshared_spends_total'
const RESTING = 'sipauthd_store_unasked_total{store="redis",why="resting"}'

const promised = { checks: 'ok', writes: 'accepted' } as const

const FAULTS: Readonly<Record<string, Fault>> = {
  'stopped, and comes back empty': {
    begin: () => redis.stop(),
    end: () => redis.restart(),
    ...promised,
    shownBy: { [UP]: 0, [COMPLETE]: 0, [UNSHARED]: 'rises' },
  },
  paused: {
    begin: () => redis.pause(),
    end: () => redis.resume(),
    ...promised,
    shownBy: { [UP]: 0, [UNSHARED]: 'rises', [RESTING]: 'rises' },
  },
  'slower than anybody waits': {
    begin: () => proxy.setDelay(400),
    end: () => proxy.setDelay(0),
    ...promised,
    shownBy: { [UNSHARED]: 'rises', [RESTING]: 'rises' },
  },
  flushed: {
    begin: () => redis.cli('FLUSHALL'),
    end: () => undefined,
    ...promised,
    shownBy: {},
  },
  'out of memory': {
    begin: () => redis.cli('CONFIG', 'SET', 'maxmemory', '1'),
    end: () => redis.cli('CONFIG', 'SET', 'maxmemory', '0'),
    ...promised,
    shownBy: { [UP]: 1, [UNSHARED]: 'rises' },
  },
  'a read-only replica': {
    begin: () => redis.cli('REPLICAOF', '127.0.0.1', '1'),
    end: () => redis.cli('REPLICAOF', 'NO', 'ONE'),
    ...promised,
    shownBy: { [COMPLETE]: 0, [UNSHARED]: 'rises' },
  },
}

for (const [what, fault] of Object.entries(FAULTS)) {
  t.test(`Redis ${what}: PostgreSQL stands in, and nobody gets a wrong answer`, (t) => endure(t, site, fault))
}

t.test('both stores away: 503 to everybody, and all is as before when they are back', async (t) => {
  await endure(t, site, {
    async begin() {
      await redis.stop()
      await postgres.stop('SIGQUIT')
    },
    async end() {
      await postgres.restart()
      await redis.restart()
    },
    ...{ checks: 'unavailable', writes: 'refused', readiness: 503 },
    shownBy: { [UP]: 0, 'sipauthd_store_up{store="postgres"}': 0, [COMPLETE]: 0 },
  })
  await until(async () => (await site.nodes[0].metric(COMPLETE)) === 1)
})
