import { connect } from 'node:net'
import { checkAnswer } from '../fixtures/documented.js'
import type { Answer } from './running-api.js'

/** Sends bytes, one character each, and parses the answer once the server has closed the connection. */
export async function exchange(port: number, bytes: string): Promise<Answer> {
  const socket = connect(port, '127.0.0.1')
  // Not ended: whoever ends its side is taken for gone. The requests ask for the end themselves.
  socket.write(bytes, 'latin1')
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  const answer = Buffer.concat(chunks).toString('utf8')
  const end = answer.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = answer.slice(0, end).split('\r\n')
  const headers = new Headers(lines.map((line) => line.split(/: ?(.*)/s).slice(0, 2) as [string, string]))
  const text = answer.slice(end + 4)
  const status = Number(statusLine.split(' ')[1])
  const [method = '', url = ''] = bytes.split(' ')
  checkAnswer({ method, url, status, contentType: headers.get('content-type'), text }, 'management')
  return { status, headers, text, body: text === '' ? undefined : JSON.parse(text) }
}
