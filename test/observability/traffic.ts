import { answerChallenge } from '../fixtures/digest-answer.js'
import { freePort } from '../fixtures/ports.js'
import { startPostgres } from '../fixtures/postgres.js'
import type { Owner } from '../fixtures/process.js'
import { startRedis } from '../fixtures/redis.js'
import { type Sipauthd, startSipauthd } from '../fixtures/sipauthd.js'
import { twilioClient } from '../fixtures/twilio-client.js'
import { udpPhone } from '../sip/phone.js'
import { sipRequest } from '../sip/request.js'

const REALM = 'pbx.example.com'
const USER = 'alice'
const PASSWORD = 'Correct-Horse-42'
const MASTER = { sid: `AC${'0'.repeat(32)}`, token: 'master-token-for-tests' }
const PROXY_TOKEN = 'proxy-token-for-tests'

/** A sipauthd on a real PostgreSQL and a real Redis, with phones before it. */
export type Traffic = {
  /** `host:port` where metrics are scraped. */
  readonly target: string
  /** One request of every kind that the dashboard shows, outages apart; resolves with the reasons over HTTP. */
  playRound(): Promise<ReadonlySet<string>>
  /** Freezes both stores, asks once, and thaws them; resolves with the reason. */
  askWithoutStores(): Promise<string>
}

type Answer = { readonly reason: string; readonly headers: readonly string[] }

/** What a request is made of: how its Authorization comes about, and where it says that it is from. */
type Attempt = {
  readonly username?: string
  readonly password?: string
  /** A challenge from before; a fresh one is fetched otherwise. */
  readonly challenge?: string
  readonly sourceIp?: string
}

/** Starts it all, with nonces of a second and a throttle that closes after two wrong passwords. */
export async function startTraffic(t: Owner): Promise<Traffic> {
  const [postgres, redis, port] = await Promise.all([startPostgres(t), startRedis(t), freePort()])
  const sipauthd = await startSipauthd(t, {
    env: {
      ...{ DATABASE_URL: await postgres.createDatabase(), REDIS_URL: redis.url, AUTH_PORT: String(port) },
      ...{ MASTER_ACCOUNT_SID: MASTER.sid, MASTER_AUTH_TOKEN: MASTER.token, PROXY_TOKEN },
      ...{ NONCE_TTL: '1', THROTTLE_USER_FAILURES: '2' },
    },
  })
  await createUser(sipauthd)
  const phone = await udpPhone(t, sipauthd.sip.port)
  const first = await challenge(sipauthd)
  return {
    target: `127.0.0.1:${port}`,
    async playRound() {
      await phone.ask(sipRequest('REGISTER', { uri: `sip:${REALM}`, to: `<sip:${USER}@${REALM}>` }))
      const right = await challenge(sipauthd)
      const attempts: readonly Attempt[] = [
        { challenge: right },
        { challenge: right }, // once more: its nonce count is spent
        { challenge: first }, // runs out after a second
        { challenge: first.replace(/nonce="./, 'nonce="Z') },
        { password: 'Wrong-Horse-42' },
        { password: 'Wrong-Horse-42', sourceIp: '192.0.2.1' },
        { username: 'nobody' },
      ]
      const reasons = new Set<string>()
      for (const attempt of attempts) reasons.add((await answer(sipauthd, attempt)).reason)
      return reasons
    },
    async askWithoutStores() {
      const fresh = await challenge(sipauthd)
      postgres.pause()
      redis.pause()
      try {
        return (await answer(sipauthd, { challenge: fresh })).reason
      } finally {
        redis.resume()
        postgres.resume()
      }
    },
  }
}

async function createUser({ api }: Sipauthd): Promise<void> {
  const form = new URLSearchParams({ FriendlyName: 'office', Realm: REALM })
  const authorization = `Basic ${Buffer.from(`${MASTER.sid}:${MASTER.token}`).toString('base64')}`
  const url = `${api}/2010-04-01/Accounts/${MASTER.sid}/SIP/CredentialLists.json`
  const response = await fetch(url, { method: 'POST', headers: { authorization }, body: form })
  const { sid } = (await response.json()) as { sid: string }
  const { credentials } = twilioClient(api, MASTER).sip.credentialLists(sid)
  await credentials.create({ username: USER, password: PASSWORD })
}

async function challenge(sipauthd: Sipauthd): Promise<string> {
  const { headers } = await verify(sipauthd, {})
  const [line] = headers
  if (line === undefined) throw new Error('there is no challenge')
  return line.replace('WWW-Authenticate: ', '')
}

async function answer(sipauthd: Sipauthd, attempt: Attempt): Promise<Answer> {
  const claim = { username: attempt.username ?? USER, password: attempt.password ?? PASSWORD }
  const challenged = attempt.challenge ?? (await challenge(sipauthd))
  const authorization = answerChallenge(challenged, { ...claim, method: 'REGISTER', uri: `sip:${REALM}` })
  return verify(sipauthd, { authorization, ...(attempt.sourceIp && { source_ip: attempt.sourceIp }) })
}

async function verify({ auth }: Sipauthd, fields: Readonly<Record<string, string>>): Promise<Answer> {
  const response = await fetch(`${auth}/v1/verify`, {
    method: 'POST',
    headers: { authorization: `Bearer ${PROXY_TOKEN}` },
    body: new URLSearchParams({ method: 'REGISTER', realm: REALM, ...fields }),
  })
  return (await response.json()) as Answer
}
