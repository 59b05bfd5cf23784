import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import type { Owner } from '../fixtures/process.js'

/** A connection to a server, by the byte. */
export type Wire = {
  readonly socket: Socket
  /** Sends text, one byte a character. */
  send(text: string): Promise<void>
  /** All that has come back so far. */
  received(): string
  /** Resolves once that many whole answers have come; rejects where the connection ends before. */
  answers(count: number): Promise<readonly string[]>
  /** Resolves when the connection has ended, with all that came. */
  closed(): Promise<string>
}

export async function openWire(t: Owner, port: number): Promise<Wire> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  let text = ''
  // Whether a connection is ended or reset depends on what the server had read.
  socket.on('error', () => undefined)
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
  })
  socket.on('end', () => socket.end())
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return {
    socket,
    async send(bytes) {
      await new Promise((resolve) => socket.write(bytes, 'latin1', resolve))
      await turn()
    },
    received: () => text,
    async answers(count) {
      while (splitAnswers(text).length < count) {
        if (socket.closed) throw new Error(`the connection has ended after ${text}`)
        await Promise.race([once(socket, 'data'), closed])
      }
      return splitAnswers(text)
    },
    async closed() {
      await closed
      return text
    },
  }
}

/** The whole answers in what came; what is left over counts as one more only where it is not empty and the end. */
export function splitAnswers(text: string): readonly string[] {
  const answers: string[] = []
  for (let at = 0; at < text.length; ) {
    const head = text.indexOf('\r\n\r\n', at)
    if (head < 0) break
    const length = Number(/content-length: (\d+)/i.exec(text.slice(at, head))?.[1] ?? 0)
    if (text.length < head + 4 + length) break
    answers.push(text.slice(at, head + 4 + length))
    at = head + 4 + length
  }
  return answers
}

/** The text without what differs from answer to answer: request id, time and nonce, and what hangs on them. */
export function withoutChance(text: string): string {
  return text
    .replaceAll(/^x-request-id: RQ[0-9a-f]{32}\r$/gm, 'x-request-id: RQ\r')
    .replaceAll(/^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r$/gm, 'Date: then\r')
    .replaceAll(/nonce=(\\?")[\w-]{44}\\?"/g, 'nonce=$1N$1')
}
