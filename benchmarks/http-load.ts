import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createDigestClient } from './digest-client.js'
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
  const { hostname, port } = new URL(options.url)
  const sockets = Array.from({ length: options.connections }, () => connect(Number(port), hostname).setNoDelay())
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  const connections = sockets.map((socket, index) => createConnection(socket, createRequests(options, index)))
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

/** Sends the next request and resolves with its answer, head and body. */
function createConnection(socket: Socket, next: () => string): () => Promise<string> {
  let answered: (answer: string) => void = () => undefined
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
    const head = text.indexOf('\r\n\r\n')
    if (head < 0) return
    const length = Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1])
    if (text.length < head + 4 + length) return
    const answer = text
    text = ''
    answered(answer)
  })
  socket.on('close', () => answered(''))
  return () =>
    new Promise((resolve) => {
      answered = resolve
      socket.write(next())
    })
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
