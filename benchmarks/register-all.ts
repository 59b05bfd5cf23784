import { createDigestClient } from './digest-client.js'
import { connectHttp } from './http-connection.js'
import type { ImportedStores } from './imported-stores.js'

const CONNECTIONS = 32

/** Asks `/v1/verify` about every user once, as each phone of a fleet has been here within the hour; with a second nonce count. */
export async function registerAll(auth: string, stores: ImportedStores, nonce: string, users: number): Promise<void> {
  const { realm, password, proxyToken } = stores
  const uri = `sip:${realm}`
  let next = 0
  async function work(): Promise<void> {
    const connection = await connectHttp(auth)
    for (let user = next++; user < users; user = next++) {
      const client = createDigestClient({ username: `user${user}`, realm, password, nonce, count: 1 })
      const body = JSON.stringify({ method: 'REGISTER', realm, authorization: client.next('REGISTER', uri) })
      const answer = await connection.ask(
        `POST /v1/verify HTTP/1.1\r\nHost: ${new URL(auth).host}\r\nAuthorization: Bearer ${proxyToken}\r\n` +
          `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      )
      if (!answer.startsWith('HTTP/1.1 200')) throw new Error(`user${user} was refused: ${answer}`)
    }
    connection.close()
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, work))
}
