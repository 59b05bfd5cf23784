import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { startProcess } from '../test/fixtures/process.js'
import { projectPath } from '../test/fixtures/project.js'
import type { Deployment } from './deployment.js'
import { createDigestClient, nonceOf } from './digest-client.js'
import type { Row } from './report.js'
import { sideBySide } from './rounds.js'

const MS = 4_000

/** One phone: the text of its next REGISTER, with an Authorization once it knows a nonce. */
type Phone = { next(): string; challenge(answer: string): void }

/** Authenticated REGISTERs over UDP beside a socket that echoes the same datagrams; one in flight for each phone. */
export async function benchmarkNativeRegister({ sipauthd, realm, password, usernames }: Deployment): Promise<Row> {
  const bare = await startProcess(undefined, {
    command: process.execPath,
    args: [projectPath('dist-test/benchmarks/bare-echo.js')],
  })
  const [, barePort] = await bare.waitFor(/^ready (\d+)/m)
  const phones = usernames.map((username) => createPhone({ username, realm, password }))
  const figures = await sideBySide(
    () => answersPerSecond(sipauthd.sip.port, phones, 'SIP/2.0 200'),
    () => answersPerSecond(Number(barePort), phones, 'REGISTER '),
    3,
  )
  await bare.stop()
  const what = `native REGISTER, UDP, ${phones.length} phones`
  return { what, limitIs: 'bare UDP echo', unit: '/s', ...figures }
}

function createPhone(user: { username: string; realm: string; password: string }): Phone {
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
    challenge(answer) {
      client = createDigestClient({ ...user, nonce: nonceOf(answer) })
    },
  }
}

/** A socket for each phone, the next request as soon as an answer is there; counts answers that begin as they should. */
async function answersPerSecond(port: number, phones: readonly Phone[], good: string): Promise<number> {
  let answers = 0
  let refusals = 0
  let running = true
  const sockets = await Promise.all(
    phones.map(async (phone) => {
      const socket = createSocket('udp4')
      socket.connect(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.on('message', (message) => {
        const text = message.toString('latin1')
        if (text.startsWith(good)) answers++
        else if (text.startsWith('SIP/2.0 401')) phone.challenge(text)
        else refusals++
        if (running) socket.send(phone.next())
      })
      socket.send(phone.next())
      return socket
    }),
  )
  const start = process.hrtime.bigint()
  await new Promise((resolve) => setTimeout(resolve, MS))
  const seconds = Number(process.hrtime.bigint() - start) / 1e9
  running = false
  // What is in flight is answered before the sockets go, so that the next round does not get it.
  await new Promise((resolve) => setTimeout(resolve, 200))
  for (const socket of sockets) socket.close()
  if (refusals > 0) throw new Error(`${refusals} REGISTERs were refused`)
  return answers / seconds
}
