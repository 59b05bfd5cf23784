import { hash, randomBytes } from 'node:crypto'
import type { Answerable } from './answerable.js'
import { writeResponse } from './sip-package.js'
import { type Via, withSource } from './via.js'

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

/** What to answer. `reason` stands in for the status's own phrase; header names are in lower case. */
export type Reply = {
  readonly status: keyof typeof STATUSES
  readonly reason?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Values of WWW-Authenticate, one line each. */
  readonly challenges?: readonly string[]
}

/** Where a request came from, as the network says. IPv4 in its own form even where it came over an IPv6 socket. */
export type Source = { readonly address: string; readonly port: number }

/** Writes the answer to a request on the wire. */
export type ReplyWriter = (request: Answerable, reply: Reply, source: Source) => Buffer

/**
 * A writer whose To tags are one secret's function of the request, so that answers given without state still agree
 * with each other (RFC 3261 section 8.2.7), and a CANCEL's with its INVITE's.
 */
export function createReplyWriter(): ReplyWriter {
  const secret = randomBytes(16).toString('hex')

  const toTag = ({ callId, fromTag, cseq, vias: [top] }: Answerable): string =>
    hash('sha256', [secret, callId, fromTag, cseq, top.parameters.get('branch')].join('\n')).slice(0, 16)

  return (request, { status, reason, headers = {}, challenges = [] }, source) => {
    const [top, ...others] = request.vias
    return writeResponse({
      status,
      reason: printable(reason ?? STATUSES[status]),
      vias: [withSource(top, source), ...others].map(toViaParts),
      from: request.from,
      to: request.toTag ? request.to : `${request.to};tag=${toTag(request)}`,
      callId: request.callId,
      cseq: { seq: request.cseq, method: request.method },
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, printable(value)])),
      challenges: challenges.map(printable),
    })
  }
}

function toViaParts({ version, transport, sentBy, parameterText }: Via) {
  return { version, transport, rest: `${sentBy}${parameterText}` }
}

/** What did not come out of the scanner may not end a line either; nothing above U+00FF, which would be cut to a byte. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e\x80-\xff]/g, '?')
}
