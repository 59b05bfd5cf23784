import autocannon from 'autocannon'
import { startProcess } from '../test/fixtures/process.js'
import { projectPath } from '../test/fixtures/project.js'
import type { Deployment } from './deployment.js'
import { createDigestClient, nonceOf } from './digest-client.js'
import type { Row } from './report.js'
import { sideBySide } from './rounds.js'

const CONNECTIONS = 32
const SECONDS = 4

/** `POST /v1/verify` with right answers beside a bare Fastify route that takes the same body. */
export async function benchmarkHttpVerify({ sipauthd, ...deployment }: Deployment): Promise<Row> {
  const { realm, password, proxyToken, usernames } = deployment
  const headers = { authorization: `Bearer ${proxyToken}`, 'content-type': 'application/json' }
  const verify = `${sipauthd.auth}/v1/verify`
  const uri = `sip:${realm}`
  const ask = async (fields: object) => {
    const answer = await fetch(verify, { method: 'POST', headers, body: JSON.stringify(fields) })
    return answer.text()
  }
  const clients = await Promise.all(
    usernames.map(async (username) => {
      const nonce = nonceOf((await ask({ method: 'REGISTER', realm })).replaceAll('\\"', '"'))
      return createDigestClient({ username, realm, password, nonce })
    }),
  )
  let turn = 0
  const nextBody = () => {
    const authorization = clients[turn++ % clients.length]?.next('REGISTER', uri)
    return { method: 'REGISTER', realm, uri, source_ip: '192.0.2.1', authorization }
  }
  const answer = await ask(nextBody())
  if (!answer.includes('"reason":"ok"')) throw new Error(`the first check was refused: ${answer}`)

  const bare = await startProcess(undefined, {
    command: process.execPath,
    args: [projectPath('dist-test/benchmarks/bare-fastify.js'), answer],
  })
  const [, bareUrl] = await bare.waitFor(/^ready (\S+)/m)
  const figures = await sideBySide(
    () => requestsPerSecond(verify, headers, () => JSON.stringify(nextBody())),
    () => requestsPerSecond(`${bareUrl}/v1/verify`, headers, () => JSON.stringify(nextBody())),
    3,
  )
  await bare.stop()
  const what = `\`/v1/verify\`, ${CONNECTIONS} connections`
  return { what, limitIs: 'bare Fastify route', unit: '/s', target: { atLeast: 0.85 }, ...figures }
}

async function requestsPerSecond(url: string, headers: Record<string, string>, body: () => string): Promise<number> {
  const result = await autocannon({
    url,
    method: 'POST',
    headers,
    connections: CONNECTIONS,
    duration: SECONDS,
    requests: [{ setupRequest: (request: object) => ({ ...request, body: body() }) }],
  } as autocannon.Options)
  // Two clients of one user may overtake each other: their counts then come in the wrong order.
  if (result.errors > 0 || result.non2xx > result.requests.total / 100) {
    throw new Error(`${result.errors} errors and ${result.non2xx} refusals in ${result.requests.total} requests`)
  }
  return result.requests.average
}
