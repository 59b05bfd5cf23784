import { collapseBlanks, parseParameters, splitLists } from './address.js'

/** One hop of a request's way, RFC 3261 section 20.42. */
export type Via = {
  /** Of SIP, as written: `2.0`, or another that is repeated in the answer that refuses it. */
  readonly version: string
  /** Transport in upper case: UDP, TCP, TLS, WS or another token. */
  readonly transport: string
  /** Host and port of who sent it, as written. */
  readonly sentBy: string
  readonly port: number | undefined
  /** Parameters as written, each with its `;`. */
  readonly parameterText: string
  readonly parameters: ReadonlyMap<string, string | undefined>
}

/** Hops that a request may have come over. */
const HOPS_MAX = 40

const VIA =
  /^SIP ?\/ ?(\d{1,5}\.\d{1,5}) ?\/ ?([A-Za-z-]{2,16}) ((?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9\-._]{1,255})(?: ?: ?(\d{1,5}))?)/i

/** Reads all Via values of a request, the topmost first. Undefined where there is none or one is not well formed. */
export function parseVias(values: readonly string[]): [Via, ...Via[]] | undefined {
  const vias: Via[] = []
  for (const element of splitLists(values) ?? []) {
    const via = parseVia(collapseBlanks(element))
    if (via === undefined || vias.length === HOPS_MAX) return undefined
    vias.push(via)
  }
  const [top, ...others] = vias
  return top && [top, ...others]
}

function parseVia(text: string): Via | undefined {
  const match = VIA.exec(text)
  const [head, version, transport, sentBy, portText] = match ?? []
  if (head === undefined || version === undefined || transport === undefined || sentBy === undefined) return undefined
  const port = portText === undefined ? undefined : Number(portText)
  const parameterText = text.slice(head.length)
  const parameters = parseParameters(parameterText)
  if (parameters === undefined || (port !== undefined && (port === 0 || port > 65_535))) return undefined
  return { version, transport: transport.toUpperCase(), sentBy, port, parameterText, parameters }
}

/**
 * The parameters of the topmost hop as an answer carries them: `received` and, where it was asked for, `rport` name the
 * address and port that the request really came from (RFC 3261 section 18.2.1, RFC 3581 section 4).
 */
export function sourceParameters(via: Via, source: { readonly address: string; readonly port: number }): string {
  let text = ''
  for (const [name, value] of via.parameters) {
    if (name !== 'received' && name !== 'rport') text += value === undefined ? `;${name}` : `;${name}=${value}`
  }
  text += `;received=${source.address}`
  return via.parameters.has('rport') ? `${text};rport=${source.port}` : text
}
