import { once } from 'node:events'
import { connect } from 'node:net'

/** One kept-alive connection: sends a request as it stands and resolves with the answer, head and body, as latin1. */
export type HttpConnection = {
  ask(request: string): Promise<string>
  close(): void
}

/** Connects. An answer is empty where the server has closed the connection. */
export async function connectHttp(url: string): Promise<HttpConnection> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname).setNoDelay()
  await once(socket, 'connect')
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
  return {
    ask: (request) =>
      new Promise((resolve) => {
        answered = resolve
        socket.write(request)
      }),
    close: () => socket.destroy(),
  }
}
