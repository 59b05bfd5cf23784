import { randomUUID } from 'node:crypto'

/** Header field of every HTTP answer; the request's log lines have its value as `requestId`, the audit trail too. */
export const REQUEST_ID_HEADER = 'x-request-id'

/** What a request's log lines name its id. */
export const REQUEST_ID_LABEL = 'requestId'

/** A new request id, in the form of Twilio's. Taken over from nobody: a stranger could make two requests look as one. */
export function createRequestId(): string {
  const uuid = randomUUID()
  // Its hyphens stand where RFC 9562 puts them.
  return `RQ${uuid.slice(0, 8)}${uuid.slice(9, 13)}${uuid.slice(14, 18)}${uuid.slice(19, 23)}${uuid.slice(24)}`
}
