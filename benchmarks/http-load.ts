import { createDigestClient } from './digest-client.js'
import { connectHttp } from './http-connection.js'
import { type LoadResult, serveLoad } from './load.js'

/** `POST /v1/verify` of right answers over kept-alive connections, one request in flight on each. */
export type HttpLoad = {
  /** The address to load: of sipauthd's lookup API, or of something that takes its requests. */
  readonly url: string
  readonly proxyToken: string
  readonly connections: number
  readonly realm: string
  /** Users are `user0` to `user<users - 1>`, all with one password, taken at random. */
  readonly users: number
  readonly password: string
  /** A nonce of the realm; it serves all users, whose counts are their own. */
  readonly nonce: string
  /** Stands in every good answer. */
  readonly good: string
}

serveLoad(async (options: HttpLoad) => {
  const opened = Array.from({ length: options.connections }, () => connectHttp(options.url))
  const connections = (await Promise.all(opened)).map((connection, index) => {
    const next = createRequests(options, index)
    return () => connection.ask(next())
  })
  return async (ms) => {
    const start = process.hrtime.bigint()
    const end = Date.now() + ms
    const counts = await Promise.all(connections.map((ask) => askUntil(end, ask, options.good)))
    const seconds = Number(process.hrtime.bigint() - start) / 1e9
    const sum = (of: 'good' | 'bad') => counts.reduce((total, count) => total + count[of], 0)
    const example = counts.find(({ bad }) => bad > 0)?.example
    return { good: sum('good'), bad: sum('bad'), seconds, example } satisfies LoadResult
  }
})

/** Each connection has users of its own, so that no count overtakes another; all counts of a connection grow. */
function createRequests(options: HttpLoad, connection: number): () => string {
  const { url, proxyToken, connections, realm, users, password, nonce } = options
  const uri = `sip:${realm}`
  const own = Math.max(1, Math.floor(users / connections))
  const head =
    `POST /v1/verify HTTP/1.1\r\nHost: ${new URL(url).host}\r\nAuthorization: Bearer ${proxyToken}\r\n` +
    'Content-Type: application/json\r\nContent-Length: '
  let count = 0
  return () => {
    const username = `user${(Math.floor(Math.random() * own) * connections + connection) % users}`
    const client = createDigestClient({ username, realm, password, nonce, count: count++ })
    const authorization = client.next('REGISTER', uri)
    const body = JSON.stringify({ method: 'REGISTER', realm, uri, source_ip: '192.0.2.1', authorization })
    return `${head}${Buffer.byteLength(body)}\r\n\r\n${body}`
  }
}

async function askUntil(end: number, ask: () => Promise<string>, good: string) {
  const count = { good: 0, bad: 0, example: undefined as string | undefined }
  while (Date.now() < end) {
    const answer = await ask()
    if (answer.startsWith('HTTP/1.1 200') && answer.includes(good)) count.good++
    else {
      count.bad++
      count.example = answer
    }
    if (answer === '') break
  }
  return count
}
