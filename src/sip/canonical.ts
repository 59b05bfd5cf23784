import type { Address } from './address.js'
import type { Addressed } from './answerable.js'

/** What is written for the package's parser. */
export type CanonicalParts = Addressed & {
  readonly method: string
  readonly uri: string
  readonly contacts: readonly Address[]
}

const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/

/** The request written anew, of nothing but what was understood, in the one form that the package reads reliably. */
export function canonicalHead({ method, uri, from, to, answerable, contacts }: CanonicalParts): string {
  const lines = [
    `${method} ${uri} SIP/2.0`,
    `From: ${canonicalAddress(from, 'tag')}`,
    `To: ${canonicalAddress(to, 'tag')}`,
    `Call-ID: ${answerable.callId}`,
    `CSeq: ${answerable.cseq} ${method}`,
    ...contacts.map((contact) => `Contact: ${canonicalAddress(contact, 'expires', 'q')}`),
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** Without display name, with only the parameters that count here, each a token. */
function canonicalAddress({ uri, parameters }: Address, ...names: readonly string[]): string {
  let text = `<${uri}>`
  for (const name of names) {
    const value = parameters.get(name)
    if (value !== undefined && TOKEN.test(value)) text += `;${name}=${value}`
  }
  return text
}
