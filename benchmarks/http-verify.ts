import { startProcess } from '../test/fixtures/process.js'
import { projectPath } from '../test/fixtures/project.js'
import type { Deployment } from './deployment.js'
import { createDigestClient } from './digest-client.js'
import type { HttpLoad } from './http-load.js'
import { startLoad } from './load.js'
import type { Row } from './report.js'
import { sideBySide } from './rounds.js'

const CONNECTIONS = 32
const MS = 2_000
const ROUNDS = 5

/** `POST /v1/verify` with right answers beside a bare Fastify route that takes the same body. */
export async function benchmarkHttpVerify(deployment: Deployment): Promise<Row> {
  const { sipauthd, realm, password, proxyToken, usernames } = deployment
  const answer = await firstAnswer(deployment)
  const bare = await startProcess(undefined, {
    command: process.execPath,
    args: [projectPath('dist-test/benchmarks/bare-fastify.js'), answer],
  })
  const [, bareUrl = ''] = await bare.waitFor(/^ready (\S+)/m)
  const nonce = await deployment.nonce()
  const options = { proxyToken, realm, password, nonce, connections: CONNECTIONS, users: usernames.length }
  const start = (url: string) => startLoad<HttpLoad>('http-load', { ...options, url, good: '"reason":"ok"' })
  const [ours, limit] = [await start(sipauthd.auth), await start(bareUrl)]
  const figures = await sideBySide(
    () => ours.run(MS),
    () => limit.run(MS),
    ROUNDS,
  )
  await Promise.all([ours.stop(), limit.stop(), bare.stop()])
  const what = `\`/v1/verify\`, ${CONNECTIONS} connections`
  return { what, limitIs: 'bare Fastify route', unit: '/s', target: { atLeast: 0.85 }, ...figures }
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
