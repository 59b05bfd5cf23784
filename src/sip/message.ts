import { type Address, collapseBlanks, parseAddress, splitLists } from './address.js'
import { type Addressed, type Answerable, readAnswerable } from './answerable.js'
import { LIMITS } from './limits.js'
import { type Fault, type Head, scanHead } from './scanner.js'

/** A contact of a REGISTER with those of its parameters that a registrar reads. */
export type Contact = { readonly uri: string; readonly expires: string | undefined; readonly q: string | undefined }

/** A request that was understood. */
export type SipRequest = Answerable & {
  /** Request-URI as on the wire. */
  readonly uri: string
  readonly fromUri: string
  readonly toUri: string
  /** Of a REGISTER; `*` stands for all (RFC 3261 section 10.2.2). */
  readonly contacts: readonly Contact[] | '*'
  readonly expires: string | undefined
  /** Raw values of the Authorization headers. */
  readonly authorizations: readonly string[]
  /** Option tags of the Require headers. */
  readonly require: readonly string[]
  readonly userAgent: string | undefined
  readonly body: Buffer
}

/** What a message turned out to be. `dropped`: a response, or what does not even say to whom an answer would go. */
export type Reading =
  | { readonly outcome: 'request'; readonly request: SipRequest }
  | { readonly outcome: 'refused'; readonly request: Answerable; readonly fault: Fault }
  | { readonly outcome: 'dropped'; readonly why: string }

/** Whether a connection that sends this is not listened to any longer: it speaks no SIP, or cannot be cut into messages. */
export function endsConnection(reading: Reading): boolean {
  if (reading.outcome === 'refused') return reading.fault.fatal === true
  return reading.outcome === 'dropped' && reading.why !== 'response'
}

type StartLine = { readonly method: string; readonly uri: string }

// `%` is a token character too, but another parser might decode it.
const METHOD = /^[A-Za-z0-9\-.!*_+`'~]{1,32}$/
const VISIBLE = /^[\x21-\x7e]+$/

/** Reads one message: its head, what came after the empty line, and a fault that its framing already has. */
export function readMessage(bytes: Buffer, rest: Buffer, framingFault?: Fault): Reading {
  const head = scanHead(bytes)
  if (head === undefined) return { outcome: 'dropped', why: 'control character' }
  if (/^SIP\//i.test(head.startLine)) return { outcome: 'dropped', why: 'response' }
  const addressed = readAnswerable(head)
  if (typeof addressed === 'string') return { outcome: 'dropped', why: addressed }
  const read = framingFault ?? head.fault ?? readRequest(head, addressed, rest)
  if ('status' in read) return { outcome: 'refused', request: addressed.answerable, fault: read }
  return { outcome: 'request', request: read }
}

/** The rest of a message that can be answered. */
function readRequest(head: Head, addressed: Addressed, rest: Buffer): SipRequest | Fault {
  const { answerable } = addressed
  const start = readStartLine(head.startLine)
  if ('status' in start) return start
  if (start.method !== answerable.method) return bad('CSeq Names Another Method')
  if (answerable.cseq >= 2 ** 31) return bad('CSeq Too High')
  const body = cutBody(head, rest)
  if (body === undefined) return bad('Bad Content-Length')
  const { values } = head
  const contacts = start.method === 'REGISTER' ? readContacts(values.contact ?? []) : []
  if (contacts === undefined) return bad('Bad Contact')
  const optionTags = splitLists(values.require ?? [])
  if (optionTags === undefined) return bad('Bad Require')
  const { method, vias, from, fromTag, to, toTag, callId, cseq } = answerable
  // Listed one by one: spreading an object and adding to it costs more than all of the parsing.
  return {
    method,
    vias,
    from,
    fromTag,
    to,
    toTag,
    callId,
    cseq,
    uri: start.uri,
    fromUri: addressed.from.uri,
    toUri: addressed.to.uri,
    contacts: contacts === '*' ? contacts : contacts.map(toContact),
    expires: values.expires?.[0],
    authorizations: values.authorization ?? [],
    require: optionTags.filter(Boolean),
    userAgent: values['user-agent']?.[0],
    body,
  }
}

/** Of its parameters those that count here, where they are tokens. */
function toContact({ uri, parameters }: Address): Contact {
  return { uri, expires: token(parameters.get('expires')), q: token(parameters.get('q')) }
}

const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/

function token(value: string | undefined): string | undefined {
  return value !== undefined && TOKEN.test(value) ? value : undefined
}

function bad(reason: string): Fault {
  return { status: 400, reason }
}

/** RFC 3261 section 7.1: three words, single spaces. */
function readStartLine(line: string): StartLine | Fault {
  const [method = '', uri = '', version = '', ...more] = line.split(' ', 4)
  if (more.length > 0 || !METHOD.test(method) || !VISIBLE.test(uri)) return bad('Bad Request Line')
  if (!/^SIP\/\d+\.\d+$/i.test(version)) return bad('Bad Request Line')
  if (version.toUpperCase() !== 'SIP/2.0') return { status: 505, reason: 'Version Not Supported' }
  if (uri.length > LIMITS.uri) return bad('Request-URI Too Long')
  return { method, uri }
}

/** The body that Content-Length promises; all that came where there is none (RFC 3261 section 18.3). */
function cutBody({ values }: Head, rest: Buffer): Buffer | undefined {
  const text = values['content-length']?.[0]
  if (text === undefined) return rest
  if (!/^\d{1,6}$/.test(text) || Number(text) > rest.length) return undefined
  return Number(text) === rest.length ? rest : rest.subarray(0, Number(text))
}

function readContacts(values: readonly string[]) {
  const elements = splitLists(values.map(collapseBlanks))
  if (elements === undefined) return undefined
  if (elements.length === 1 && elements[0] === '*') return '*'
  const contacts = elements.map(parseAddress).filter((contact) => contact !== undefined)
  return contacts.length === elements.length ? contacts : undefined
}
