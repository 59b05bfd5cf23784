import { BODY_READERS, type BodyType } from './bodies.js'
import type { VERIFY_PATH } from './verify.js'

/** A request that the lane takes: `POST /v1/verify` in the one form that proxies send. */
export type LaneRequest = {
  readonly kind: 'request'
  /** Path and query, as they stand on the request line. */
  readonly url: string
  readonly authorization: string
  readonly accept: string | undefined
  readonly contentType: BodyType
  readonly body: Buffer
  /** The bytes of it all; what follows belongs to the next request. */
  readonly length: number
  /** Where the digits of Content-Length stand. */
  readonly lengthAt: number
  /** Whether its head, the token with it, is that of a request that was let in on the same connection. */
  readonly isKnown: boolean
}

/** What the bytes so far come to; `foreign` is for node's own parser. */
export type LaneReading = LaneRequest | { readonly kind: 'incomplete' } | { readonly kind: 'foreign' }

/** Far below node's limit (16 KiB, 2,000 fields), so that what node would refuse is never taken. */
const HEAD_MAX = 8_192
const FIELDS_MAX = 32
/** The longest body of the lane, and of the door. */
export const BODY_MAX = 65_536

const START = 'POST /v1/verify' satisfies `POST ${typeof VERIFY_PATH}`

/**
 * A head that leaves nothing open (RFC 9112): the request line with single spaces, field lines `name: value` of
 * printable ASCII that each end in CRLF, and no folding. It cannot match in two ways, so it takes linear time.
 */
const HEAD =
  /^POST (\/v1\/verify(?:\?[\w.=&%+-]*)?) HTTP\/1\.1\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e]*\r\n)+\r\n/

/** A line feed without its carriage return, or the reverse: no head that is still arriving holds one. */
const BARE_LINE_END = /(?<!\r)\n|\r(?!\n|$)/

/**
 * Fields that frame a message, or change what becomes of the connection (RFC 9110 sections 7.6.1, 7.8, 10.1.1; RFC 9112
 * section 6), and a coding that the body would have to be freed of. Requests with one of them go the long way.
 */
const REFUSED: ReadonlySet<string> = new Set([
  ...['transfer-encoding', 'te', 'trailer', 'upgrade', 'expect', 'keep-alive', 'proxy-connection', 'http2-settings'],
  'content-encoding',
])

/** Fields that are read. A second one of them is a request that two programs could read in two ways. */
const READ = ['host', 'authorization', 'accept', 'content-type', 'content-length', 'connection'] as const
type Fields = Partial<Record<(typeof READ)[number], string>>

/** A head up to the digits of its Content-Length, of which there is one. */
const LENGTH_FIELD = /^[\s\S]*?\r\ncontent-length:[\t ]*/i

const INCOMPLETE: LaneReading = { kind: 'incomplete' }
const FOREIGN: LaneReading = { kind: 'foreign' }

/** Reads the request at the beginning of what has arrived. */
export function readLaneRequest(bytes: Buffer): LaneReading {
  const text = bytes.toString('latin1', 0, HEAD_MAX)
  const head = HEAD.exec(text)
  if (!head) return mayBecomeHead(text) ? INCOMPLETE : FOREIGN
  const [{ length: headLength }, url = ''] = head
  const fields = readFields(text, headLength)
  if (!fields) return FOREIGN
  const { host, authorization, accept, connection } = fields
  if (host === undefined || authorization === undefined) return FOREIGN
  if (connection !== undefined && connection.toLowerCase() !== 'keep-alive') return FOREIGN
  const contentType = fields['content-type']
  const bodyLength = readLength(fields['content-length'])
  if (!isBodyType(contentType) || bodyLength === undefined) return FOREIGN
  const length = headLength + bodyLength
  if (bytes.length < length) return INCOMPLETE
  const body = bytes.subarray(headLength, length)
  const lengthAt = LENGTH_FIELD.exec(text)?.[0].length ?? 0
  return { kind: 'request', url, authorization, accept, contentType, body, length, lengthAt, isKnown: false }
}

/** Whether more bytes could make it a head of the lane's form. */
function mayBecomeHead(text: string): boolean {
  if (text.length >= HEAD_MAX || text.includes('\r\n\r\n') || BARE_LINE_END.test(text)) return false
  return text.length < START.length ? START.startsWith(text) : text.startsWith(START)
}

/** The fields that are read; undefined where one is refused or repeated, or where there are too many. */
function readFields(head: string, length: number): Fields | undefined {
  const fields: Fields = {}
  let count = 0
  for (let at = head.indexOf('\r\n') + 2; at < length - 2; ) {
    const [colon, end] = [head.indexOf(':', at), head.indexOf('\r\n', at)]
    const name = head.slice(at, colon).toLowerCase()
    if (REFUSED.has(name) || ++count > FIELDS_MAX) return undefined
    if (isRead(name)) {
      if (fields[name] !== undefined) return undefined
      fields[name] = head.slice(colon + 1, end).trim()
    }
    at = end + 2
  }
  return fields
}

function isRead(name: string): name is keyof Fields {
  return (READ as readonly string[]).includes(name)
}

/** The media type as proxies spell it; every other spelling goes the long way. */
function isBodyType(text: string | undefined): text is BodyType {
  return text !== undefined && Object.hasOwn(BODY_READERS, text)
}

/** A length of 1 to 64 KiB, in digits alone and without a zero before them. */
function readLength(text: string | undefined): number | undefined {
  const length = /^[1-9]\d{0,4}$/.test(text ?? '') ? Number(text) : undefined
  return length !== undefined && length <= BODY_MAX ? length : undefined
}
