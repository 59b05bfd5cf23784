import { hash, randomBytes } from 'node:crypto'
import type { Answerable } from './answerable.js'
import { sourceParameters, type Via } from './via.js'

/** Every status that native SIP answers with, and its reason phrase (RFC 3261 section 21). */
export const STATUSES = {
  200: 'OK',
  302: 'Moved Temporarily',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  416: 'Unsupported URI Scheme',
  420: 'Bad Extension',
  423: 'Interval Too Brief',
  481: 'Call/Transaction Does Not Exist',
  500: 'Server Internal Error',
  503: 'Service Unavailable',
  505: 'Version Not Supported',
  513: 'Message Too Large',
} as const

/** Headers that an answer may carry beside those of every answer, as they are written. */
const EXTRA_HEADERS = {
  accept: 'Accept',
  allow: 'Allow',
  contact: 'Contact',
  'min-expires': 'Min-Expires',
  'retry-after': 'Retry-After',
  supported: 'Supported',
  unsupported: 'Unsupported',
} as const

type ExtraHeader = keyof typeof EXTRA_HEADERS

/** What to answer. `reason` stands in for the status's own phrase. */
export type Reply = {
  readonly status: keyof typeof STATUSES
  readonly reason?: string
  readonly headers?: { readonly [Name in ExtraHeader]?: string }
  /** Values of WWW-Authenticate, one line each. */
  readonly challenges?: readonly string[]
}

/** Where a request came from, as the network says. IPv4 in its own form even where it came over an IPv6 socket. */
export type Source = { readonly address: string; readonly port: number }

/** Writes the answer to a request on the wire: a character for each byte. */
export type ReplyWriter = (request: Answerable, reply: Reply, source: Source) => string

/**
 * A writer whose To tags are one secret's function of the request, so that answers given without state still agree
 * with each other (RFC 3261 section 8.2.7), and a CANCEL's with its INVITE's.
 */
export function createReplyWriter(): ReplyWriter {
  const secret = randomBytes(16).toString('hex')

  const toTag = ({ callId, fromTag, cseq, vias: [top] }: Answerable): string =>
    hash('sha256', `${secret}\n${callId}\n${fromTag}\n${cseq}\n${top.parameters.get('branch') ?? ''}`).slice(0, 16)

  return (request, { status, reason, headers, challenges }, source) => {
    const { method, vias, from, to, callId, cseq } = request
    const [top] = vias
    let text = `SIP/2.0 ${status} ${reason === undefined ? STATUSES[status] : printable(reason)}\r\n`
    text += viaLine(top, sourceParameters(top, source))
    for (let i = 1; i < vias.length; i++) text += viaLine(vias[i] ?? top)
    text += `To: ${request.toTag ? to : `${to};tag=${toTag(request)}`}\r\nFrom: ${from}\r\n`
    text += `Call-ID: ${callId}\r\nCSeq: ${cseq} ${method}\r\n`
    for (const name in headers) text += extraLine(name as ExtraHeader, headers)
    if (challenges) for (const challenge of challenges) text += `WWW-Authenticate: ${printable(challenge)}\r\n`
    return `${text}Content-Length: 0\r\n\r\n`
  }
}

function viaLine({ version, transport, sentBy, parameterText }: Via, parameters = parameterText): string {
  return `Via: SIP/${version}/${transport} ${sentBy}${parameters}\r\n`
}

function extraLine(name: ExtraHeader, headers: NonNullable<Reply['headers']>): string {
  const value = headers[name]
  return value === undefined ? '' : `${EXTRA_HEADERS[name]}: ${printable(value)}\r\n`
}

const UNPRINTABLE = /[^\x20-\x7e\x80-\xff]/g

/** What did not come out of the scanner may not end a line either; nothing above U+00FF, which would be cut to a byte. */
function printable(text: string): string {
  return text.replace(UNPRINTABLE, '?')
}
