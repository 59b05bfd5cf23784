import type { Kamailio } from '../test/fixtures/kamailio.js'
import { startProcess } from '../test/fixtures/process.js'
import { projectPath } from '../test/fixtures/project.js'
import { type Sipauthd, startSipauthd } from '../test/fixtures/sipauthd.js'
import { offLoadCore } from './affinity.js'
import type { AlwaysYes, HttpAnswer } from './always-yes.js'
import { cpuSeconds } from './cpu-time.js'
import { createDigestClient, nonceOf } from './digest-client.js'
import { type ImportedStores, startImportedStores } from './imported-stores.js'
import { startAsking, startReadingRedis, startWithAuthDb } from './kamailio-candidates.js'
import { NODE_ENV } from './node-options.js'
import { registerAll } from './register-all.js'
import type { Row } from './report.js'
import { sideBySide } from './rounds.js'
import { createSippLoad, type SippLoad } from './sipp-load.js'

const USERS = 100_000
/** Holds all of them. */
const NEAR_CACHE_SIZE = String(2.5 * USERS)
const CALLS = { http: 6_000, stores: 15_000 }
const ROUNDS = 5
/** Node compiles what is asked often, and twice better what is asked very often: both servers are to be done with that. */
const WARM_UP_CALLS = 30_000

/** Kamailio under SIPp: with sipauthd beside those who always say yes, and reading sipauthd's Redis beside its own database. */
export async function benchmarkKamailio(): Promise<Row[]> {
  const stops: (() => Promise<unknown>)[] = []
  const { stores: imported, ...candidates } = await offLoadCore(() => startCandidates(stops))
  const load = await createSippLoad({ ...imported, users: USERS })
  const compare = async (one: Candidate, other: Candidate, calls: number) => {
    const [ours, limit] = [createMeter(load, one, calls), createMeter(load, other, calls)]
    const figures = await sideBySide(ours.rate, limit.rate, ROUNDS)
    const [cpu, itsCpu] = [ours.cpuPerThousand(), limit.cpuPerThousand()]
    const note =
      `CPU per 1,000 registrations, all processes but SIPp: ${cpu.toFixed(3)} s beside ${itsCpu.toFixed(3)} s; ` +
      `by CPU alone the ratio would be ${(itsCpu / cpu).toFixed(2)}`
    return { unit: '/s', note, ...figures } as const
  }
  const { asking, alwaysYes, spending, redis, authDb } = candidates
  for (const { kamailio } of [asking, alwaysYes, spending]) await load.register(kamailio.target, WARM_UP_CALLS)
  const http = await compare(asking, alwaysYes, CALLS.http)
  const httpSpending = await compare(asking, spending, CALLS.http)
  const stores = await compare(redis, authDb, CALLS.stores)
  for (const stop of stops.reverse()) await stop()
  return [
    {
      what: 'Kamailio with `/v1/verify`',
      limitIs: 'Kamailio with an always-yes',
      target: { atLeast: 0.9 },
      ...http,
    },
    {
      what: 'Kamailio with `/v1/verify`',
      limitIs: 'the same always-yes with one bare call of Redis',
      target: { atLeast: 0.9 },
      ...httpSpending,
    },
    {
      what: 'Kamailio reading Redis, 100,000 users',
      limitIs: 'Kamailio with auth_db',
      target: { atLeast: 1.9 },
      ...stores,
    },
  ]
}

/** A Kamailio and the processes that do its work. */
type Candidate = { readonly kamailio: Kamailio; readonly pids: readonly number[] }

/** Measures a candidate: its rate in each round, and its processes' CPU time over all rounds. */
function createMeter(load: SippLoad, { kamailio, pids }: Candidate, calls: number) {
  const total = { calls: 0, cpu: 0 }
  return {
    async rate() {
      const before = cpuSeconds(pids)
      const rate = await load.register(kamailio.target, calls)
      total.cpu += cpuSeconds(pids) - before
      total.calls += calls
      return rate
    },
    cpuPerThousand: () => (total.cpu / total.calls) * 1_000,
  }
}

async function startCandidates(stops: (() => Promise<unknown>)[]) {
  const stores = await startImportedStores(USERS)
  const { postgres, redis, proxyToken } = stores
  const sipauthd = await startSipauthd(undefined, { env: { ...stores.env, NEAR_CACHE_SIZE, SIP_PORT: 'off' } })
  stops.push(
    () => stores.stop(),
    () => sipauthd.stop(),
  )
  const answers = await recordAnswers(sipauthd, stores)
  await registerAll(sipauthd.auth, stores, nonceOf(answers.challenge.body), USERS)
  const [stub, spendingStub] = [await startAlwaysYes(answers), await startAlwaysYes(answers, redis.url)]
  stops.push(
    () => stub.stop(),
    () => spendingStub.stop(),
  )
  const candidate = async (starting: Promise<Kamailio>, ...pids: number[]): Promise<Candidate> => {
    const kamailio = await starting
    stops.push(() => kamailio.stop())
    return { kamailio, pids: [kamailio.pid, ...pids] }
  }
  const address = new URL(sipauthd.auth).host
  return {
    stores,
    asking: await candidate(startAsking(address, proxyToken), sipauthd.pid, redis.pid(), postgres.pid()),
    alwaysYes: await candidate(startAsking(stub.address, proxyToken), stub.pid),
    spending: await candidate(startAsking(spendingStub.address, proxyToken), spendingStub.pid, redis.pid()),
    redis: await candidate(startReadingRedis(redis.socket), redis.pid()),
    authDb: await candidate(startWithAuthDb(stores.subscribersUrl), postgres.pid()),
  }
}

/** A stub that answers so; with Redis's URL it spends a count there for each who is let in. */
async function startAlwaysYes(answers: AlwaysYes, redisUrl?: string) {
  const args = [
    projectPath('dist-test/benchmarks/always-yes.js'),
    JSON.stringify(answers),
    ...(redisUrl ? [redisUrl] : []),
  ]
  const stub = await startProcess(undefined, { command: process.execPath, args, env: NODE_ENV })
  const [, port = ''] = await stub.waitFor(/^ready (\d+)/m)
  return { pid: stub.pid, address: `127.0.0.1:${port}`, stop: () => stub.stop() }
}

/** What sipauthd answers without credentials and with the right ones, byte for byte. */
async function recordAnswers({ auth }: Sipauthd, stores: ImportedStores): Promise<AlwaysYes> {
  const { realm, password, proxyToken } = stores
  const ask = async (fields: Readonly<Record<string, string>>): Promise<HttpAnswer> => {
    const headers = { authorization: `Bearer ${proxyToken}` }
    const body = new URLSearchParams({ method: 'REGISTER', realm, ...fields })
    const answer = await fetch(`${auth}/v1/verify?format=text`, { method: 'POST', headers, body })
    // Node sends these itself.
    const own = ['date', 'connection', 'keep-alive']
    const kept = [...answer.headers].filter(([name]) => !own.includes(name))
    return { status: answer.status, headers: Object.fromEntries(kept), body: await answer.text() }
  }
  const challenge = await ask({})
  const user = { username: 'user0', realm, password, nonce: nonceOf(challenge.body) }
  const yes = await ask({ authorization: createDigestClient(user).next('REGISTER', `sip:${realm}`) })
  if (challenge.status !== 401 || yes.status !== 200) throw new Error(`answers of ${challenge.status}, ${yes.status}`)
  return { challenge, yes }
}
