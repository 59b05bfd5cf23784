import { hash } from 'node:crypto'
import type { AuthRequest } from '../src/auth/auth-request.js'
import type { Authenticator } from '../src/auth/authenticator.js'
import { createChecks } from '../src/checks.js'
import { readConfig } from '../src/config.js'
import { createLog } from '../src/log.js'
import { createMetrics } from '../src/metrics.js'
import { createMemoryMirror } from '../src/mirror/memory-mirror.js'
import { computeHa1s } from '../src/provision/ha1s.js'
import { Secret } from '../src/secret.js'
import { createDigestClient, nonceOf } from './digest-client.js'
import type { Row } from './report.js'
import { sideBySide } from './rounds.js'

const REALM = 'pbx.example.com'
const USER = { username: 'alice', realm: REALM, password: 'Correct-Horse-42' }
const URI = `sip:${REALM}`
const TIMES = 20_000
const ROUNDS = 15
/** Rounds before any is counted: V8 compiles for what it has found to be asked often. */
const WARM_UPS = 4
/** As many as may come in one turn of the event loop. */
const AT_ONCE = 100

/** Without a source address, and with one, by which real requests are throttled. A process has one authenticator. */
export async function benchmarkVerifyInProcess(): Promise<Row[]> {
  const authenticator = await createLocalAuthenticator()
  const bySource = await benchmarkVerify(authenticator, '192.0.2.1')
  return [
    await benchmarkVerify(authenticator, undefined),
    { ...bySource, what: 'verify in process, throttled by source' },
  ]
}

/** The whole check of one REGISTER, with the credential in memory, beside the two hashes that any check must do. */
async function benchmarkVerify(authenticator: Authenticator, sourceIp: string | undefined): Promise<Row> {
  const challenged = await authenticator.verify('http', { method: 'REGISTER', realm: REALM, authorizations: [] })
  if (!('challenges' in challenged) || !challenged.challenges[0]) throw new Error('no challenge came')
  const client = createDigestClient({ ...USER, nonce: nonceOf(`nonce="${challenged.challenges[0].nonce}"`) })

  /** Requests that were just read, as from sockets: those of a whole round would have left the processor's caches. */
  function readRequests(): AuthRequest[] {
    return Array.from({ length: AT_ONCE }, () => ({
      method: 'REGISTER',
      realm: REALM,
      uri: URI,
      // Written in one piece, as it comes from a socket: a text put together of others is joined by whoever reads it first.
      authorizations: [Buffer.from(client.next('REGISTER', URI)).toString('latin1')],
      sourceIp,
    }))
  }

  async function ours(): Promise<number> {
    let [accepted, ns] = [0, 0]
    for (let done = 0; done < TIMES; done += AT_ONCE) {
      const requests = readRequests()
      const start = process.hrtime.bigint()
      for (const request of requests) {
        // As the doors do: what is answered at once is not waited for.
        const checked = authenticator.verify('http', request)
        const { reason } = checked instanceof Promise ? await checked : checked
        if (reason === 'ok') accepted++
      }
      ns += Number(process.hrtime.bigint() - start)
    }
    if (accepted !== TIMES) throw new Error(`${TIMES - accepted} right answers were refused`)
    return ns / TIMES / 1000
  }

  const ha1 = '939e7578ed9e3c518a452acee763bce9'
  const nonce = '0123456789012345678901234567890123456789abcd'
  async function bare(): Promise<number> {
    const start = process.hrtime.bigint()
    for (let index = 0; index < TIMES; index++) {
      hash('md5', `${ha1}:${nonce}:${index}:0a4f113b:auth:${hash('md5', `REGISTER:${URI}`)}`)
    }
    return Number(process.hrtime.bigint() - start) / TIMES / 1000
  }

  for (let round = 0; round < WARM_UPS; round++) await ours()
  const figures = await sideBySide(ours, bare, ROUNDS)
  return { what: 'verify in process', limitIs: 'two bare `crypto.hash`', unit: 'µs', target: { atMost: 3 }, ...figures }
}

async function createLocalAuthenticator(): Promise<Authenticator> {
  const { username, realm, password } = USER
  const mirror = createMemoryMirror()
  const sids = { accountSid: 'AC', credentialListSid: 'CL', credentialSid: 'CR' }
  const ha1s = computeHa1s(username, realm, password)
  const credential = { username, realm, ...sids, version: '1', ha1s, active: true }
  await mirror.apply([{ kind: 'credential', realm, username, version: '1', holds: credential }])
  mirror.setBehind(false)
  const noDatabase = () => Promise.reject(new Error('the database must not be asked'))
  const { authenticator } = createChecks({
    config: readConfig({}),
    redis: undefined,
    mirror,
    database: { findHa1: noDatabase, findRealm: noDatabase, findDomain: noDatabase },
    decoySecret: 'decoy',
    nonceSecrets: [new Secret('benchmark-secret')],
    metrics: createMetrics(),
    log: createLog('error'),
    now: Date.now,
  })
  return authenticator
}
