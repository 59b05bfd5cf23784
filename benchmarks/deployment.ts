import { startPostgres } from '../test/fixtures/postgres.js'
import { startRedis } from '../test/fixtures/redis.js'
import { type Sipauthd, startSipauthd } from '../test/fixtures/sipauthd.js'
import { nonceOf } from './digest-client.js'
import { NODE_ENV } from './node-options.js'

/** A sipauthd on a private PostgreSQL and Redis, with credentials to check. */
export type Deployment = {
  readonly sipauthd: Sipauthd
  readonly redisUrl: string
  readonly proxyToken: string
  readonly realm: string
  readonly password: string
  readonly usernames: readonly string[]
  /** A fresh nonce of the realm, from a challenge. */
  nonce(): Promise<string>
  stop(): Promise<void>
}

const MASTER = `AC${'b'.repeat(32)}`
const TOKEN = 'benchmark-master-token'
const PASSWORD = 'Correct-Horse-42'
const REALM = 'pbx.example.com'

/** Starts everything and creates the users through the management API. */
export async function startDeployment(users: number): Promise<Deployment> {
  const postgres = await startPostgres(undefined)
  const redis = await startRedis(undefined)
  const proxyToken = 'benchmark-proxy-token'
  const sipauthd = await startSipauthd(undefined, {
    env: {
      ...NODE_ENV,
      DATABASE_URL: await postgres.createDatabase(),
      REDIS_URL: redis.url,
      MASTER_ACCOUNT_SID: MASTER,
      MASTER_AUTH_TOKEN: TOKEN,
      PROXY_TOKEN: proxyToken,
      NONCE_SECRET: 'benchmark-nonce-secret',
      NONCE_TTL: '3600',
      LOG_LEVEL: 'error',
    },
  })
  const lists = `${sipauthd.api}/2010-04-01/Accounts/${MASTER}/SIP/CredentialLists`
  const { sid } = (await post(`${lists}.json`, { FriendlyName: 'benchmark', Realm: REALM })) as { sid: string }
  const usernames = Array.from({ length: users }, (_, index) => `user${index}`)
  for (const Username of usernames) await post(`${lists}/${sid}/Credentials.json`, { Username, Password: PASSWORD })
  return {
    ...{ sipauthd, redisUrl: redis.url, proxyToken, realm: REALM, password: PASSWORD, usernames },
    async nonce() {
      const headers = { authorization: `Bearer ${proxyToken}` }
      const body = new URLSearchParams({ method: 'REGISTER', realm: REALM })
      const answer = await fetch(`${sipauthd.auth}/v1/verify?format=text`, { method: 'POST', headers, body })
      return nonceOf(await answer.text())
    },
    async stop() {
      await sipauthd.stop()
      await redis.stop()
      await postgres.stop('SIGINT')
    },
  }
}

/** Runs a benchmark on a deployment of its own. */
export async function withDeployment<T>(users: number, use: (deployment: Deployment) => Promise<T>): Promise<T> {
  const deployment = await startDeployment(users)
  try {
    return await use(deployment)
  } finally {
    await deployment.stop()
  }
}

async function post(url: string, form: Readonly<Record<string, string>>): Promise<unknown> {
  const authorization = `Basic ${Buffer.from(`${MASTER}:${TOKEN}`).toString('base64')}`
  const answer = await fetch(url, { method: 'POST', headers: { authorization }, body: new URLSearchParams(form) })
  if (answer.status !== 201) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`)
  return answer.json()
}
