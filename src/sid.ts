import { randomBytes, randomUUID } from 'node:crypto'

/** What the two letters before a SID's 32 hex digits stand for. */
const SID_PREFIXES = {
  account: 'AC',
  credentialList: 'CL',
  credential: 'CR',
  domain: 'SD',
  ipAccessControlList: 'AL',
  ipAddress: 'IP',
} as const

export type SidKind = keyof typeof SID_PREFIXES

/** A new SID: its digits are a random UUID, so that both dialects can show the same thing. */
export function createSid(kind: SidKind): string {
  return SID_PREFIXES[kind] + randomUUID().replaceAll('-', '')
}

/** The form of a SID of that kind, as a regular expression. */
export function sidPattern(kind: SidKind): string {
  return `^${SID_PREFIXES[kind]}[0-9a-f]{32}$`
}

/** Whether a text has the form of a SID of that kind. */
export function isSid(kind: SidKind, text: string): boolean {
  return text.startsWith(SID_PREFIXES[kind]) && /^[A-Z]{2}[0-9a-f]{32}$/.test(text)
}

/** A new `MA_…` id: 20 letters and digits, as Vobiz shows its accounts. */
export function createAuthId(): string {
  const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'
  return `MA_${Array.from(randomBytes(20), (byte) => letters[byte % letters.length]).join('')}`
}

/** The form of an `MA_…` id, as a regular expression. */
export const AUTH_ID_PATTERN = '^MA_[A-Z0-9]{20}$'

/** Whether a text has the form of an `MA_…` id. */
export function isAuthId(text: string): boolean {
  return new RegExp(AUTH_ID_PATTERN).test(text)
}

/** A new auth token: 128 random bits in lower-case hex, as Twilio's are. */
export function createToken(): string {
  return randomBytes(16).toString('hex')
}
