import { Redis } from 'ioredis'
import type { AuthRequest } from '../src/auth/auth-request.js'
import { createChecks } from '../src/checks.js'
import { readConfig } from '../src/config.js'
import { createLog } from '../src/log.js'
import { createMetrics } from '../src/metrics.js'
import { takeRebuildLease } from '../src/mirror/marker.js'
import { createRedisMirror } from '../src/mirror/redis-mirror.js'
import { connectRedis } from '../src/redis/client.js'
import { Secret } from '../src/secret.js'
import { startRedis } from '../test/fixtures/redis.js'
import { until } from '../test/fixtures/until.js'
import { mainThreadSeconds } from './cpu-time.js'
import { createDigestClient } from './digest-client.js'
import type { Row } from './report.js'
import { describePairs, inPairs } from './rounds.js'

const REALM = 'pbx.example.com'
const URI = `sip:${REALM}`
const [MANY, FEW] = [1_000_000, 1_000]
/** Of a round, which is over before the machine has turned to something else. */
const CHECKS = 192
const ROUNDS = 400
const AT_ONCE = 64
const FILLED_AT_ONCE = 20_000

/** Checks of random users out of a million in Redis beside the same out of a thousand; nothing is held near. */
export async function benchmarkScale(): Promise<Row> {
  const [many, few] = [await startChecks(MANY), await startChecks(FEW)]
  const { middleHalf, ...figures } = await inPairs(many.checksPerSecond, few.checksPerSecond, ROUNDS)
  const cpu = { many: many.cpuMicros(), few: few.cpuMicros() }
  await Promise.all([many.stop(), few.stop()])
  const target = { atLeast: 0.9 }
  return {
    what: 'checks, 1,000,000 credentials in Redis',
    limitIs: '1,000 credentials',
    unit: '/s',
    target,
    ...figures,
    note: `${describePairs({ ...figures, middleHalf }, ROUNDS)} ${describeCpu(cpu.many, cpu.few)}`,
  }
}

/** CPU time of a check, in µs. */
type CpuMicros = { readonly node: number; readonly redis: number }

function describeCpu(many: CpuMicros, few: CpuMicros): string {
  const total = ({ node, redis }: CpuMicros) => `${(node + redis).toFixed(1)} µs (Redis ${redis.toFixed(1)})`
  const ratio = (few.node + few.redis) / (many.node + many.redis)
  return `CPU time of a check, Redis's too: ${total(many)} beside ${total(few)}; by CPU alone the ratio would be ${ratio.toFixed(2)}.`
}

async function startChecks(users: number) {
  const server = await startRedis(undefined)
  await fill(server.socket, users)
  await growTable(server.socket)
  const redis = connectRedis(server.url, createLog('error'))
  const mirror = createRedisMirror(redis)
  await until(async () => mirror.current)
  const lease = await takeRebuildLease(redis)
  await lease?.begin()
  await lease?.complete()
  await until(mirror.isComplete)
  const noDatabase = () => Promise.reject(new Error('the database must not be asked'))
  const { authenticator } = createChecks({
    config: readConfig({}),
    database: { findHa1: noDatabase, findRealm: noDatabase, findDomain: noDatabase },
    nonceSecrets: [new Secret('benchmark-secret')],
    ...{ redis, mirror, decoySecret: 'decoy', metrics: createMetrics(), log: createLog('error'), now: Date.now },
  })

  const used = { checks: 0, node: 0, redis: 0 }
  const nodeMicros = () => {
    const { user, system } = process.cpuUsage()
    return user + system
  }

  /** A phone that has just been challenged. */
  async function prepare(): Promise<AuthRequest> {
    const index = Math.floor(Math.random() * users)
    const challenged = await authenticator.verify('http', { method: 'REGISTER', realm: REALM, authorizations: [] })
    const nonce = 'challenges' in challenged ? challenged.challenges[0]?.nonce : undefined
    if (nonce === undefined) throw new Error('no challenge came')
    const client = createDigestClient({ username: `user${index}`, realm: REALM, ha1: toHa1(index), nonce })
    return { method: 'REGISTER', realm: REALM, uri: URI, authorizations: [client.next('REGISTER', URI)] }
  }

  return {
    async checksPerSecond(): Promise<number> {
      const requests: AuthRequest[] = []
      while (requests.length < CHECKS) requests.push(await prepare())
      const [node, redisSeconds] = [nodeMicros(), mainThreadSeconds(server.pid())]
      const start = process.hrtime.bigint()
      for (let first = 0; first < CHECKS; first += AT_ONCE) {
        const batch = requests.slice(first, first + AT_ONCE)
        const verdicts = await Promise.all(batch.map((request) => authenticator.verify('http', request)))
        const refused = verdicts.find(({ reason }) => reason !== 'ok')
        if (refused) throw new Error(`a right answer was refused: ${refused.reason}`)
      }
      const seconds = Number(process.hrtime.bigint() - start) / 1e9
      used.checks += CHECKS
      used.node += nodeMicros() - node
      used.redis += (mainThreadSeconds(server.pid()) - redisSeconds) * 1e6
      return CHECKS / seconds
    },
    /** Of all rounds so far. */
    cpuMicros: (): CpuMicros => ({ node: used.node / used.checks, redis: used.redis / used.checks }),
    async stop() {
      redis.disconnect()
      await server.stop()
    },
  }
}

/** What stands in Redis, for the Lua below too: `user<n>` has the HA1 n, which is as good as any. */
function toHa1(index: number): string {
  return index.toString(16).padStart(32, '0')
}

/** ARGV: the first user and the one after the last. The fields are those of a credential that has every HA1. */
const FILL = `
for n = tonumber(ARGV[1]), tonumber(ARGV[2]) - 1 do
  local md5, sha = string.format('%032x', n), string.format('%064x', n)
  redis.call('HSET', 'sipauth:cred:${REALM}:user' .. string.format('%d', n), 'v', n + 1,
    'account', 'AC' .. md5, 'list', 'CL' .. md5, 'sid', 'CR' .. md5, 'ha1', md5, 'ha1_sha256', sha,
    'ha1_sha512_256', sha, 'ha1b', md5, 'ha1b_sha256', sha, 'ha1b_sha512_256', sha)
end`

async function fill(socket: string, users: number): Promise<void> {
  const redis = new Redis(socket)
  for (let first = 0; first < users; first += FILLED_AT_ONCE) {
    await redis.eval(FILL, 0, first, Math.min(users, first + FILLED_AT_ONCE))
  }
  redis.disconnect()
}

/** More than the nonces of all rounds. */
const SPARE_KEYS = 200_000
/** Redis moves a bucket to its new table with each key that is looked for. */
const LOOKS = 2_500_000
const STEPS = 20_000

/** ARGV: from, to. */
const GROW = `for n = ARGV[1], ARGV[2] - 1 do redis.call('SET', 'spare:' .. n, 1) end`
const SHRINK = `for n = ARGV[1], ARGV[2] - 1 do redis.call('UNLINK', 'spare:' .. n) end`
const LOOK = `for n = ARGV[1], ARGV[2] - 1 do redis.call('EXISTS', 'spare:' .. n) end`

/**
 * Makes room for the records of nonces beforehand. A million is just below 2^20: the first 48,576 nonces would have Redis
 * move a million keys to a table of twice the size, during the very rounds that are measured.
 */
async function growTable(socket: string): Promise<void> {
  const redis = new Redis(socket)
  for (const [script, count] of [
    [GROW, SPARE_KEYS],
    [SHRINK, SPARE_KEYS],
    [LOOK, LOOKS],
  ] as const) {
    for (let from = 0; from < count; from += STEPS) await redis.eval(script, 0, from, Math.min(count, from + STEPS))
  }
  redis.disconnect()
}
