import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { readAnswer, type SipAnswer } from './request.js'

/** Whatever can undo a phone at its end: a tap test. */
type Owner = { teardown(undo: () => unknown): unknown }

/** A phone that says what it is told, byte for byte (text is latin1), and keeps what it hears. */
export type Phone = {
  readonly port: number
  send(message: string | Buffer): void
  /** The next answer, in the order of their arrival. */
  receive(): Promise<SipAnswer>
  /** Sends, and takes the next answer. */
  ask(message: string | Buffer): Promise<SipAnswer>
  close(): void
}

/** Answers in the order of their arrival; one that does not come in time fails the test. */
export function answerQueue(limitMs = 30_000) {
  const answers: SipAnswer[] = []
  const waiting: ((answer: SipAnswer) => void)[] = []
  return {
    push(text: string): void {
      const answer = readAnswer(text)
      const next = waiting.shift()
      if (next) next(answer)
      else answers.push(answer)
    },
    receive: (): Promise<SipAnswer> =>
      new Promise((resolve, reject) => {
        const first = answers.shift()
        if (first) return resolve(first)
        const timer = setTimeout(() => reject(new Error('no answer came')), limitMs)
        waiting.push((answer) => {
          clearTimeout(timer)
          resolve(answer)
        })
      }),
  }
}

/** A phone on a UDP socket of its own. */
export async function udpPhone(t: Owner, serverPort: number): Promise<Phone> {
  const socket = createSocket('udp4')
  const queue = answerQueue()
  socket.on('message', (bytes) => queue.push(bytes.toString('latin1')))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  let open = true
  const close = (): void => {
    if (open) socket.close()
    open = false
  }
  t.teardown(close)
  const send = (message: string | Buffer): void =>
    socket.send(typeof message === 'string' ? Buffer.from(message, 'latin1') : message, serverPort, '127.0.0.1')
  return { port: socket.address().port, send, receive: queue.receive, ask: askWith(send, queue.receive), close }
}

/** A phone on a stream; `closed` resolves when the server has ended it. */
export type StreamPhone = Phone & { readonly socket: Socket; readonly closed: Promise<unknown> }

/** A phone on a TCP connection of its own, or on the connection given. */
export async function tcpPhone(t: Owner, serverPort: number, connection?: Socket): Promise<StreamPhone> {
  const socket = connection ?? connect({ port: serverPort, host: '127.0.0.1' })
  const queue = answerQueue()
  let buffered = ''
  socket.on('error', () => undefined) // a server that is done with us may reset
  socket.on('data', (chunk) => {
    buffered += chunk.toString('latin1')
    for (let end = buffered.indexOf('\r\n\r\n'); end >= 0; end = buffered.indexOf('\r\n\r\n')) {
      queue.push(buffered.slice(0, end + 4))
      buffered = buffered.slice(end + 4)
    }
  })
  const closed = new Promise((resolve) => socket.once('close', resolve))
  if (connection === undefined) await once(socket, 'connect')
  t.teardown(() => socket.destroy())
  const send = (message: string | Buffer): void => {
    socket.write(typeof message === 'string' ? Buffer.from(message, 'latin1') : message)
  }
  const close = (): void => void socket.destroy()
  const port = socket.localPort ?? 0
  return { port, send, receive: queue.receive, ask: askWith(send, queue.receive), close, socket, closed }
}

function askWith(send: Phone['send'], receive: Phone['receive']): Phone['ask'] {
  return (message) => {
    send(message)
    return receive()
  }
}
