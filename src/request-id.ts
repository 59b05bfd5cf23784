import { randomUUID } from 'node:crypto'

/** Header field of every HTTP answer; the request's log lines have its value as `requestId`, the audit trail too. */
export const REQUEST_ID_HEADER = 'x-request-id'

/** What a request's log lines name its id. */
export const REQUEST_ID_LABEL = 'requestId'

/** A new request id, in the form of Twilio's. Taken over from nobody: a stranger could make two requests look as one. */
export function createRequestId(): string {
  return `RQ${randomUUID().replaceAll('-', '')}`
}
