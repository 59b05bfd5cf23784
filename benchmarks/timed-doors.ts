import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { Sipauthd } from '../test/fixtures/sipauthd.js'
import { createDigestClient, nonceOf } from './digest-client.js'
import { connectHttp } from './http-connection.js'

/** A door of sipauthd's as a stranger sees it: one question at a time. */
export type TimedDoor = {
  readonly name: string
  /** How every answer begins that a guesser gets. */
  readonly refusal: string
  /** A question about a user with this password, written beforehand: only sending and waiting is timed. */
  prepare(username: string, password: string): () => Promise<string>
  close(): void
}

/** Where the doors are, and for whom they ask. */
export type DoorDeps = {
  readonly sipauthd: Sipauthd
  readonly realm: string
  readonly proxyToken: string
  /** Whether the questions name a source, without which nothing is throttled. Native SIP always has one. */
  readonly hasSource: boolean
}

/** Every door, by what it is called in the table. */
export const DOORS: readonly ((deps: DoorDeps) => Promise<TimedDoor>)[] = [openVerify, openHa1, openSip]

async function openVerify({ sipauthd, realm, proxyToken, hasSource }: DoorDeps): Promise<TimedDoor> {
  const connection = await connectHttp(sipauthd.auth)
  const uri = `sip:${realm}`
  const write = (fields: object) => {
    const body = JSON.stringify({ method: 'REGISTER', realm, uri, ...fields })
    const head = `POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${proxyToken}\r\n`
    return `${head}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  }
  const nonce = nonceOf((await connection.ask(write({}))).replaceAll('\\"', '"'))
  return {
    name: '`/v1/verify`',
    refusal: 'HTTP/1.1 401',
    prepare(username, password) {
      const authorization = createDigestClient({ username, realm, password, nonce }).next('REGISTER', uri)
      const request = write({ authorization, ...(hasSource && { source_ip: randomSource() }) })
      return () => connection.ask(request)
    },
    close: connection.close,
  }
}

async function openHa1({ sipauthd, realm, proxyToken }: DoorDeps): Promise<TimedDoor> {
  const connection = await connectHttp(sipauthd.auth)
  return {
    name: '`/v1/ha1?decoy=1`',
    refusal: 'HTTP/1.1 200',
    prepare(username) {
      const path = `/v1/ha1?realm=${realm}&username=${username}&decoy=1`
      const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${proxyToken}\r\n\r\n`
      return () => connection.ask(request)
    },
    close: connection.close,
  }
}

/** Sources that the phones have: of one alone, a hundred wrong passwords are too many. */
const SOURCES = 250

async function openSip({ sipauthd, realm }: DoorDeps): Promise<TimedDoor> {
  const { port } = sipauthd.sip
  const sockets = await Promise.all(Array.from({ length: SOURCES }, (_, index) => openSocket(port, index)))
  const uri = `sip:${realm}`
  let turn = 0
  const write = (username: string, authorization: string) => {
    const id = ++turn
    return (
      `REGISTER ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;rport;branch=z9hG4bK-timed-${id}\r\n` +
      `Max-Forwards: 70\r\nFrom: <sip:${username}@${realm}>;tag=${id}\r\nTo: <sip:${username}@${realm}>\r\n` +
      `Call-ID: ${id}@timed\r\nCSeq: 1 REGISTER\r\nContact: <sip:${username}@127.0.0.1:5070>\r\n` +
      `Expires: 3600\r\n${authorization}Content-Length: 0\r\n\r\n`
    )
  }
  const nonce = nonceOf(await askSocket(sockets[0] as Socket, write('nobody', '')))
  return {
    name: 'native SIP over UDP',
    refusal: 'SIP/2.0 401',
    prepare(username, password) {
      const value = createDigestClient({ username, realm, password, nonce }).next('REGISTER', uri)
      const request = write(username, `Authorization: ${value}\r\n`)
      const socket = sockets[turn % SOURCES] as Socket
      return () => askSocket(socket, request)
    },
    close() {
      for (const socket of sockets) socket.close()
    },
  }
}

async function openSocket(port: number, index: number): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(0, `127.0.1.${index + 1}`)
  await once(socket, 'listening')
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

async function askSocket(socket: Socket, request: string): Promise<string> {
  const answer = once(socket, 'message', { signal: AbortSignal.timeout(5_000) })
  socket.send(request)
  const [bytes] = (await answer) as [Buffer]
  return bytes.toString('latin1')
}

function randomSource(): string {
  const byte = () => Math.floor(Math.random() * 256)
  return `10.${byte()}.${byte()}.${byte()}`
}
