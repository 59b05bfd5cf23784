import { startProcess } from '../test/fixtures/process.js'
import { projectPath } from '../test/fixtures/project.js'
import { cpuSeconds } from './cpu-time.js'
import type { Deployment } from './deployment.js'
import { createDigestClient } from './digest-client.js'
import type { HttpLoad } from './http-load.js'
import { type Load, startLoad } from './load.js'
import { NODE_ENV } from './node-options.js'
import type { Row } from './report.js'
import { sideBySide } from './rounds.js'

const CONNECTIONS = 32
const MS = 2_000
const ROUNDS = 5
/** Requests until V8 has compiled what is measured: more code takes longer. */
const WARM_UP = 30_000

/** What the door is compared with: a bare route, and the same that does what several nodes cannot do without. */
const LIMITS = [
  { limitIs: 'bare Fastify route', spends: false },
  { limitIs: 'the same with one bare call of Redis', spends: true },
] as const

/** `POST /v1/verify` with right answers beside a bare Fastify route that takes the same body. */
export async function benchmarkHttpVerify(deployment: Deployment): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const limit of LIMITS) rows.push(...(await compare(deployment, limit)))
  return rows
}

async function compare(deployment: Deployment, { limitIs, spends }: (typeof LIMITS)[number]): Promise<readonly Row[]> {
  const { sipauthd, realm, password, proxyToken, usernames, redisUrl } = deployment
  const answer = await firstAnswer(deployment)
  const bare = await startProcess(undefined, {
    command: process.execPath,
    args: [projectPath('dist-test/benchmarks/bare-fastify.js'), answer, ...(spends ? [redisUrl] : [])],
    env: NODE_ENV,
  })
  const [, bareUrl = ''] = await bare.waitFor(/^ready (\S+)/m)
  const nonce = await deployment.nonce()
  const options = { proxyToken, realm, password, nonce, connections: CONNECTIONS, users: usernames.length }
  const start = (url: string) => startLoad<HttpLoad>('http-load', { ...options, url, good: '"reason":"ok"' })
  const [ours, limit] = [await start(sipauthd.auth), await start(bareUrl)]
  const [oursMeter, limitMeter] = [createMeter(ours, sipauthd.pid), createMeter(limit, bare.pid)]
  for (const meter of [oursMeter, limitMeter]) await meter.warmUp()
  const figures = await sideBySide(oursMeter.round, limitMeter.round, ROUNDS)
  await Promise.all([ours.stop(), limit.stop(), bare.stop()])
  const what = `\`/v1/verify\`, ${CONNECTIONS} connections`
  const cpu = { ours: oursMeter.cpuEach(), limit: limitMeter.cpuEach() }
  return [
    { what, limitIs, unit: '/s', target: { atLeast: 0.85 }, ...figures },
    { what: "the server's own CPU for each", limitIs: `that of ${limitIs}`, unit: 'µs', ...cpu },
  ]
}

/** Runs rounds of a load, and adds up what CPU time the server used for them. */
function createMeter(load: Load, pid: number) {
  const sum = { answers: 0, cpu: 0 }
  async function round(): Promise<number> {
    const before = cpuSeconds([pid])
    const rate = await load.run(MS)
    sum.cpu += cpuSeconds([pid]) - before
    sum.answers += (rate * MS) / 1000
    return rate
  }
  return {
    round,
    async warmUp() {
      while (sum.answers < WARM_UP) await round()
      Object.assign(sum, { answers: 0, cpu: 0 })
    },
    /** µs for each answer since the warm-up. */
    cpuEach: () => (sum.cpu / sum.answers) * 1e6,
  }
}

/** The body of a right answer's answer: what the bare route says to everybody. */
async function firstAnswer({ sipauthd, realm, password, proxyToken, usernames, nonce }: Deployment): Promise<string> {
  const [username = ''] = usernames
  const uri = `sip:${realm}`
  const authorization = createDigestClient({ username, realm, password, nonce: await nonce() }).next('REGISTER', uri)
  const answer = await fetch(`${sipauthd.auth}/v1/verify`, {
    method: 'POST',
    headers: { authorization: `Bearer ${proxyToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ method: 'REGISTER', realm, uri, authorization }),
  })
  const text = await answer.text()
  if (!text.includes('"reason":"ok"')) throw new Error(`the first check was refused: ${text}`)
  return text
}
