import { type Postgres, startPostgres } from '../test/fixtures/postgres.js'
import { type Redis, startRedis } from '../test/fixtures/redis.js'
import { NODE_ENV } from './node-options.js'
import { createSubscribers, importSubscribers } from './subscribers.js'

/** A private PostgreSQL and Redis with many users, who came by `sipauthd import` from Kamailio's table of users. */
export type ImportedStores = {
  readonly postgres: Postgres
  readonly redis: Redis
  /** The database with the table that they came from. */
  readonly subscribersUrl: string
  readonly realm: string
  readonly password: string
  readonly proxyToken: string
  /** The environment of a sipauthd on these stores. */
  readonly env: Readonly<Record<string, string>>
  stop(): Promise<void>
}

/** Users are `user0` to `user<users - 1>`, all with one password. */
export async function startImportedStores(users: number): Promise<ImportedStores> {
  const [realm, password, proxyToken] = ['pbx.example.com', 'Correct-Horse-42', 'benchmark-proxy-token']
  const [postgres, redis] = [await startPostgres(undefined, { tcp: true }), await startRedis(undefined)]
  const subscribersUrl = await postgres.createDatabase()
  await createSubscribers(subscribersUrl, realm, password, users)
  const env = {
    ...NODE_ENV,
    ...{ DATABASE_URL: await postgres.createDatabase(), REDIS_URL: redis.url, PROXY_TOKEN: proxyToken },
    ...{ LOG_LEVEL: 'error', NONCE_TTL: '3600', NONCE_SECRET: 'benchmark-nonce-secret' },
  }
  await importSubscribers(subscribersUrl, users, env)
  return {
    ...{ postgres, redis, subscribersUrl, realm, password, proxyToken, env },
    async stop() {
      await redis.stop()
      await postgres.stop()
    },
  }
}
