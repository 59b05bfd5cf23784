import pg from 'pg'
import t from 'tap'
import { startPostgres } from '../fixtures/postgres.js'
import { startRedis } from '../fixtures/redis.js'
import { endure, type Fault } from './endure.js'
import { openSite } from './site.js'

const [postgres, redis] = await Promise.all([startPostgres(t), startRedis(t)])
const databaseUrl = await postgres.createDatabase()

/** Asks as the server's owner, whom no limit of connections keeps out. */
async function asOwner(...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  for (const statement of statements) await client.query(statement)
  await client.end()
}

await asOwner('create role app login', 'grant create, usage on schema public to app')
const env = { DATABASE_URL: databaseUrl.replace('postgres@', 'app@'), REDIS_URL: redis.url }
const site = await openSite(t, env, redis.cli)

const UP = 'sipauthd_store_up{store="postgres"}'
const promised = { checks: 'ok', writes: 'refused', shownBy: { [UP]: 0 } } as const

const FAULTS: Readonly<Record<string, Fault>> = {
  crashed: { begin: () => postgres.stop('SIGKILL'), end: () => postgres.restart(), ...promised },
  paused: { begin: () => postgres.pause(), end: () => postgres.resume(), ...promised },
  'out of connections': {
    begin: () =>
      asOwner(
        'alter role app connection limit 0',
        `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'`,
      ),
    end: () => asOwner('alter role app connection limit -1'),
    ...promised,
  },
}

for (const [what, fault] of Object.entries(FAULTS)) {
  t.test(`PostgreSQL ${what}: checks go on, writes get 503, and both are as before without a hand`, (t) =>
    endure(t, site, fault),
  )
}

t.test('PostgreSQL restarted: writes go on in a moment, and checks never stop', (t) =>
  endure(t, site, {
    begin: () => postgres.restart(),
    end: () => undefined,
    ...{ checks: 'ok', writes: 'either', shownBy: {} },
  }),
)
