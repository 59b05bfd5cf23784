import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createDigestClient, nonceOf } from './digest-client.js'
import { type LoadResult, serveLoad } from './load.js'

/** Authenticated REGISTERs over UDP: a socket for each phone, one request in flight on each. */
export type RegisterLoad = {
  readonly port: number
  readonly realm: string
  readonly password: string
  readonly usernames: readonly string[]
  /** How good answers begin. */
  readonly good: string
}

/** A phone asks again when an answer has not come for so long: a datagram may be lost. */
const LOST_MS = 500

/** What is in flight at the end of a run is answered before the next begins. */
const SETTLE_MS = 200

serveLoad(async ({ port, realm, password, usernames, good }: RegisterLoad) => {
  const count = { good: 0, bad: 0, example: undefined as string | undefined }
  let running = false
  const phones = await Promise.all(
    usernames.map(async (username) => {
      const phone = createPhone({ username, realm, password })
      const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
      socket.connect(port, '127.0.0.1')
      await once(socket, 'connect')
      let asked = 0
      const ask = () => {
        asked = Date.now()
        socket.send(phone.next())
      }
      socket.on('message', (message) => {
        const text = message.toString('latin1')
        if (text.startsWith(good)) count.good++
        else if (text.startsWith('SIP/2.0 401')) phone.challenge(text)
        else {
          count.bad++
          count.example = text
        }
        if (running) ask()
      })
      return { ask, askAgain: () => (Date.now() - asked > LOST_MS ? ask() : undefined) }
    }),
  )
  return async (ms) => {
    Object.assign(count, { good: 0, bad: 0 })
    running = true
    const start = process.hrtime.bigint()
    for (const { ask } of phones) ask()
    const again = setInterval(() => {
      for (const { askAgain } of phones) askAgain()
    }, LOST_MS)
    await new Promise((resolve) => setTimeout(resolve, ms))
    const seconds = Number(process.hrtime.bigint() - start) / 1e9
    running = false
    clearInterval(again)
    const result = { ...count, seconds } satisfies LoadResult
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
    return result
  }
})

/** One phone: the text of its next REGISTER, with an Authorization once it knows a nonce. */
function createPhone(user: { readonly username: string; readonly realm: string; readonly password: string }) {
  const { username, realm } = user
  const uri = `sip:${realm}`
  let client: ReturnType<typeof createDigestClient> | undefined
  let cseq = 0
  return {
    next() {
      cseq++
      const authorization = client ? `Authorization: ${client.next('REGISTER', uri)}\r\n` : ''
      return (
        `REGISTER ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;rport;branch=z9hG4bK-${username}-${cseq}\r\n` +
        `Max-Forwards: 70\r\nFrom: <sip:${username}@${realm}>;tag=${username}\r\nTo: <sip:${username}@${realm}>\r\n` +
        `Call-ID: ${username}@benchmark\r\nCSeq: ${cseq} REGISTER\r\nContact: <sip:${username}@127.0.0.1:5070>\r\n` +
        `Expires: 3600\r\n${authorization}Content-Length: 0\r\n\r\n`
      )
    },
    challenge(answer: string) {
      client = createDigestClient({ ...user, nonce: nonceOf(answer) })
    },
  }
}
