import { createRequire } from 'node:module'

/**
 * The only file that knows the `sip` package. Of it the parser, the writer and the server transactions are used, never
 * its transports and never its digest. Its quirks, all worked around here or in front of it:
 * - its expressions are super-linear on hostile text, so it only sees heads that were screened and written anew;
 * - it percent-decodes methods and header names, so none with `%` comes here;
 * - it knows no IPv6 reference in Via, and ends a parameter at the first character that is no token, so Via never comes
 *   here and addresses come as `<uri>` with parameters that are tokens;
 * - its responses share header objects with the request and have no To tag, so all headers are given to it as text;
 * - it knows one WWW-Authenticate parameter list only in pieces, see `asParameters`.
 */

/** A name-addr as the package parses it. */
export type ParsedAddress = {
  readonly uri: string
  readonly params: { readonly [name: string]: string | null | undefined }
}

/** A request as the package parses it, so far as it is asked to. */
export type ParsedHead = {
  readonly method: string
  readonly uri: string
  readonly version: string
  readonly headers: {
    readonly from: ParsedAddress
    readonly to: ParsedAddress
    readonly 'call-id': string
    readonly cseq: { readonly seq: number; readonly method: string }
    readonly contact?: readonly ParsedAddress[]
  }
}

/** A response in the words of the package; every value is text that is sent as it is. */
export type ResponseParts = {
  readonly status: number
  readonly reason: string
  /** For each Via, the topmost first: its version and transport, and all that follows them. */
  readonly vias: readonly { readonly version: string; readonly transport: string; readonly rest: string }[]
  readonly from: string
  readonly to: string
  readonly callId: string
  readonly cseq: { readonly seq: number | string; readonly method: string }
  /** Lower-case names of headers to add. */
  readonly headers: Readonly<Record<string, string>>
  /** Values of WWW-Authenticate, one line each. */
  readonly challenges: readonly string[]
}

/** A server transaction, RFC 3261 section 17.2. `message` takes a retransmission or the ACK. */
export type PackageTransaction = {
  send(response: { status: number }): void
  message(request: { method: string }): void
  shutdown(): void
}

type TransactionKey = {
  method: string
  headers: { 'call-id': string; cseq: { method: string }; via: [{ params: { branch: string } }] }
}

type PackageResponse = { status: number; reason: string; headers: Record<string, unknown> }

type SipPackage = {
  parse(message: Buffer): Partial<ParsedHead> | undefined
  makeResponse(request: object, status: number, reason: string, extension: object): PackageResponse
  stringify(response: PackageResponse): string
  makeTransactionLayer(
    options: object,
    open: () => never,
  ): {
    createServerTransaction(key: TransactionKey, connection: { send(): void; release(): void }): PackageTransaction
    destroy(): void
  }
}

const sip: SipPackage = createRequire(import.meta.url)('sip')

/** Parses a head that was screened and written anew. Undefined where the package understands it otherwise. */
export function parseHead(text: string): ParsedHead | undefined {
  const parsed = sip.parse(Buffer.from(text, 'latin1'))
  return parsed && isComplete(parsed) ? parsed : undefined
}

function isComplete(parsed: Partial<ParsedHead>): parsed is ParsedHead {
  const { method, uri, version, headers } = parsed
  const { from, to, cseq } = headers ?? {}
  const start = method !== undefined && uri !== undefined && version !== undefined
  return start && from !== undefined && to !== undefined && cseq !== undefined && headers?.['call-id'] !== undefined
}

/** Writes a response. Values must hold no CR and no LF. */
export function writeResponse(parts: ResponseParts): Buffer {
  const { status, reason, vias, from, to, callId, cseq, headers, challenges } = parts
  const request = {
    version: '2.0',
    headers: {
      via: vias.map(({ version, transport, rest }) => ({ version, protocol: transport, host: rest, params: {} })),
      from,
      to,
      'call-id': callId,
      cseq,
    },
  }
  const authenticate = challenges.length > 0 ? { 'www-authenticate': challenges.map(asParameters) } : {}
  const response = sip.makeResponse(request, status, reason, { headers: { ...headers, ...authenticate } })
  return Buffer.from(sip.stringify(response), 'latin1')
}

/** The package joins names and values with `=`: cut at the first one, a challenge comes out as it went in. */
function asParameters(challenge: string): Record<string, string> {
  const cut = challenge.indexOf('=')
  return { [challenge.slice(0, cut)]: challenge.slice(cut + 1) }
}

/** Server transactions under keys of our own; the package would tell them apart by Call-ID, method and branch alone. */
export function createTransactionLayer() {
  const layer = sip.makeTransactionLayer({}, () => {
    throw new Error('native SIP sends no requests')
  })
  return {
    /** `send` is called for the answer and again for each retransmission, `release` once when all is over. */
    create(key: string, method: string, send: () => void, release: () => void): PackageTransaction {
      const id = { method, headers: { 'call-id': key, cseq: { method }, via: [{ params: { branch: '' } }] } }
      return layer.createServerTransaction(id as TransactionKey, { send, release })
    },
    destroy: (): void => layer.destroy(),
  }
}
