import { LIMITS } from './limits.js'

/** Why a message is refused: a SIP status and its reason phrase. Where it is fatal, a stream ends with it. */
export type Fault = { readonly status: 400 | 505 | 513; readonly reason: string; readonly fatal?: true }

/**
 * The headers that are read; every other one is passed over. `compact` is the short form (RFC 3261 section 7.3.3),
 * `most` how many lines of it a request may have.
 */
const HEADERS = {
  via: { compact: 'v', most: 40 },
  from: { compact: 'f', most: 1 },
  to: { compact: 't', most: 1 },
  'call-id': { compact: 'i', most: 1 },
  cseq: { compact: undefined, most: 1 },
  'content-length': { compact: 'l', most: 1 },
  contact: { compact: 'm', most: 16 },
  expires: { compact: undefined, most: 1 },
  authorization: { compact: undefined, most: 8 },
  require: { compact: undefined, most: 8 },
  'user-agent': { compact: undefined, most: 1 },
} as const

export type HeaderName = keyof typeof HEADERS

const HEADER_NAMES = Object.keys(HEADERS) as HeaderName[]

/** As RFC 3261 writes them; other spellings are found by their lower case. */
const USUAL_SPELLINGS: readonly string[] = ['Call-ID', 'CSeq']

/** Headers by lower-case name, by compact form and, since that is how most come, by their usual spelling. */
const NAMES: ReadonlyMap<string, HeaderName> = new Map(
  HEADER_NAMES.flatMap((name) => [
    [name, name] as const,
    [HEADERS[name].compact ?? name, name] as const,
    [usualSpelling(name), name] as const,
  ]),
)

function usualSpelling(name: HeaderName): string {
  const listed = USUAL_SPELLINGS.find((spelling) => spelling.toLowerCase() === name)
  return listed ?? name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase())
}

// RFC 3261's token without `%`, which another parser might decode into a name that this one does not know.
const HEADER_NAME = /^[A-Za-z0-9\-.!*_+`'~]+$/

/** A message, or its head, is beyond its limit. */
export const TOO_LARGE: Fault = { status: 513, reason: 'Message Too Large', fatal: true }

const TOO_MANY_LINES: Fault = { status: 400, reason: 'Too Many Lines', fatal: true }

/** Values of each header, in order; undefined where there is none. */
export type HeadValues = { readonly [Name in HeaderName]: readonly string[] | undefined }

/** A head taken apart: unfolded values by header, and the first fault found. What is after a fault is still read. */
export type Head = {
  readonly startLine: string
  readonly values: HeadValues
  readonly fault: Fault | undefined
}

/**
 * Takes a head (without the empty line at its end) apart in linear time. A head that is too large is read as far as
 * its limit, so that its sender can be told. Undefined where a control character, a bare CR or a bare LF is in it: what
 * such a line means differs from parser to parser, so nothing of it is echoed.
 */
export function scanHead(head: Buffer): Head | undefined {
  const text = head.toString('latin1', 0, LIMITS.head)
  const lines = text.split('\r\n', LIMITS.headLines + 1)
  const tooLarge = head.length > LIMITS.head
  if (tooLarge) lines.pop() // cut short
  const tooMany = lines.length > LIMITS.headLines
  if (tooMany) lines.pop()
  if (lines.some(holdsControl)) return undefined
  const unfolded = lines.some(isContinuation) ? unfold(lines) : lines
  const { values, fault } = collect(unfolded)
  const [startLine = ''] = unfolded
  if (tooLarge) return { startLine, values, fault: TOO_LARGE }
  if (tooMany) return { startLine, values, fault: TOO_MANY_LINES }
  return { startLine, values, fault }
}

/** Only the tab of the control characters may be there: a CR or LF that is still in a line stood alone. */
const CONTROL = /[^\t\x20-\x7e\x80-\xff]/

function holdsControl(line: string): boolean {
  return CONTROL.test(line)
}

function isContinuation(line: string): boolean {
  const first = line.charCodeAt(0)
  return first === 32 || first === 9
}

/** Joins continued lines with one space, RFC 3261 section 7.3.1. */
function unfold(lines: readonly string[]): string[] {
  const unfolded: string[] = []
  let parts: string[] = []
  for (const line of lines) {
    const continues = parts.length > 0 && isContinuation(line)
    if (!continues && parts.length > 0) unfolded.push(parts.join(' '))
    parts = continues ? [...parts, line.trim()] : [line]
  }
  if (parts.length > 0) unfolded.push(parts.join(' '))
  return unfolded
}

/** The headers of a head's lines, of which the first is no header. */
function collect(lines: readonly string[]): Pick<Head, 'values' | 'fault'> {
  const values: { [Name in HeaderName]: string[] | undefined } = noValues()
  let fault: Fault | undefined
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] ?? ''
    const colon = line.indexOf(':')
    const written = line.slice(0, Math.max(colon, 0)).trimEnd()
    const name = NAMES.get(written) ?? NAMES.get(written.toLowerCase())
    if (name === undefined) {
      if (!HEADER_NAME.test(written)) fault ??= { status: 400, reason: 'Bad Header Name' }
      continue
    }
    const value = line.slice(colon + 1).trim()
    const present = values[name]
    if (value.length > LIMITS.headerValue) fault ??= { status: 400, reason: `${name} Is Too Long` }
    else if (present === undefined) values[name] = [value]
    else if (present.length < HEADERS[name].most) present.push(value)
    else fault ??= { status: 400, reason: `Repeated ${name}` }
  }
  return { values, fault }
}

/** Written out, since one shape for all heads is what makes them quick to fill and to read. */
function noValues(): { [Name in HeaderName]: undefined } {
  return {
    via: undefined,
    from: undefined,
    to: undefined,
    'call-id': undefined,
    cseq: undefined,
    'content-length': undefined,
    contact: undefined,
    expires: undefined,
    authorization: undefined,
    require: undefined,
    'user-agent': undefined,
  }
}
