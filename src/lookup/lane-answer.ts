import { STATUS_CODES } from 'node:http'
import { REQUEST_ID_HEADER } from '../request-id.js'
import type { HttpAnswer } from './verify-answer.js'

/** Writes answers as node's http and Fastify do together: the same bytes, a character each. */
export function createLaneAnswerer(deps: { readonly keepAliveMs: number; readonly now: () => number }) {
  const end = `\r\nConnection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(deps.keepAliveMs / 1000)}\r\n\r\n`
  const readDate = createDateReader(deps.now)

  return ({ status, retryAfterSeconds, contentType, body }: HttpAnswer, requestId: string): string => {
    const retryAfter = retryAfterSeconds === undefined ? '' : `retry-after: ${retryAfterSeconds}\r\n`
    const length = Buffer.byteLength(body)
    const bytes = length === body.length ? body : Buffer.from(body).toString('latin1')
    return (
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${REQUEST_ID_HEADER}: ${requestId}\r\n${retryAfter}` +
      `content-type: ${contentType}\r\ncontent-length: ${length}\r\nDate: ${readDate()}${end}${bytes}`
    )
  }
}

/** The time as RFC 9110 section 5.6.7 writes it, made anew once a second. */
function createDateReader(now: () => number): () => string {
  let second = Number.NaN
  let text = ''
  return () => {
    const time = now()
    const itsSecond = Math.floor(time / 1000)
    if (itsSecond !== second) {
      second = itsSecond
      text = new Date(time).toUTCString()
    }
    return text
  }
}
