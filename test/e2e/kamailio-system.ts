import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Kamailio, type KamailioOptions, startKamailio } from '../fixtures/kamailio.js'
import { freePort } from '../fixtures/ports.js'
import { startPostgres } from '../fixtures/postgres.js'
import type { Owner } from '../fixtures/process.js'
import { projectPath } from '../fixtures/project.js'
import { type Redis, startRedis } from '../fixtures/redis.js'
import { type Sipauthd, startSipauthd } from '../fixtures/sipauthd.js'
import { twilioClient } from '../fixtures/twilio-client.js'
import { createTenant, MASTER, type Tenant } from './twilio-tenant.js'

const PROXY_TOKEN = 'proxy-token-for-tests'

/** Kamailio with the shipped configuration, asking a sipauthd on a real PostgreSQL and a real Redis. */
export interface KamailioSystem {
  kamailio: Kamailio
  redis: Redis
  /** `host:port` of sipauthd's lookup API. */
  address: string
  /** The sipauthd that runs now; its lookup API is always at the same address. */
  sipauthd(): Sipauthd
  /** Ends sipauthd, if it still runs, and starts it with more variables, at the same address. */
  restart(env?: Readonly<Record<string, string>>): Promise<void>
  createTenant(name: string): Promise<Tenant>
  setStatus(tenant: Tenant, status: 'active' | 'suspended'): Promise<unknown>
  /** How many verdicts it has given over HTTP, by reason, since it started. */
  verdicts(reason: string): Promise<number>
}

/** Starts Kamailio with the shipped configuration. */
export function startShippedKamailio(t: Owner, address: string, more: Partial<KamailioOptions> = {}) {
  const config = projectPath('kamailio/kamailio.cfg')
  const defines = { SIPAUTHD_ADDRESS: address, SIPAUTHD_TOKEN: PROXY_TOKEN, ...more.defines }
  return startKamailio(t, { config, ...more, defines })
}

/** Starts all of it; it ends with its test. */
export async function startSystem(t: Owner): Promise<KamailioSystem> {
  const [postgres, redis, port] = await Promise.all([startPostgres(t), startRedis(t), freePort()])
  const stable = {
    ...{ DATABASE_URL: await postgres.createDatabase(), REDIS_URL: redis.url, AUTH_PORT: String(port) },
    ...{ SIP_PORT: 'off', PROXY_TOKEN, MASTER_ACCOUNT_SID: MASTER.sid, MASTER_AUTH_TOKEN: MASTER.token },
    ...{ NONCE_SECRET: 'nonce-secret-for-tests' },
  }
  const address = `127.0.0.1:${port}`
  const started = await Promise.all([startSipauthd(t, { env: stable }), startShippedKamailio(t, address)])
  let [sipauthd] = started
  const [, kamailio] = started
  return {
    kamailio,
    redis,
    address,
    sipauthd: () => sipauthd,
    restart: async (env = {}) => {
      await sipauthd.stop()
      sipauthd = await startSipauthd(t, { env: { ...stable, ...env } })
    },
    createTenant: (name) => createTenant(() => sipauthd.api, name),
    setStatus: ({ sid }, status) => twilioClient(sipauthd.api, MASTER).api.v2010.accounts(sid).update({ status }),
    verdicts: async (reason) => {
      const text = await (await fetch(`${sipauthd.auth}/metrics`)).text()
      const lines = text.split('\n').filter((line) => /^sipauthd_verdicts_total\{.*door="http"/.test(line))
      const wanted = lines.filter((line) => line.includes(`reason="${reason}"`))
      return wanted.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
    },
  }
}

/** A web server in sipauthd's place, whose answers are made up. */
export async function startImpostor(t: Owner, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}
