import { hash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { equalInConstantTime } from '../digest/equal.js'
import { sendFault } from './fault.js'

/** Whether an Authorization header field shows the token of a door: as a Bearer, or as the password of any Basic user. */
export type ShowsToken = (authorization: string | undefined) => boolean

/**
 * Compares hashes, so that not even the token's length is told. The field that was right last time is known by its own
 * hash, so that a proxy, which shows the same one each time, costs one hash and no parsing.
 */
export function createTokenReader(token: { reveal(): string }): ShowsToken {
  const expected = digest(token.reveal())
  let lastRight = ''
  return (authorization) => {
    if (authorization === undefined) return false
    const field = digest(authorization)
    if (equalInConstantTime(field, lastRight)) return true
    const shown = readToken(authorization)
    if (shown === undefined || !equalInConstantTime(digest(shown), expected)) return false
    lastRight = field
    return true
  }
}

/**
 * Lets in whoever shows the token. Everyone else gets a 401 that no proxy can take for a verdict: it has no `status`
 * and no header lines.
 */
export function createTokenCheck(showsToken: ShowsToken) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    if (showsToken(request.headers.authorization)) return
    reply.code(401).header('www-authenticate', 'Basic realm="sipauthd"')
    return sendFault(request, reply, 'Authorization must be Bearer, or Basic with any user, and the token of this door')
  }
}

function readToken(header: string): string | undefined {
  const [, scheme, value] = /^(bearer|basic) +(\S+)$/i.exec(header) ?? []
  if (scheme === undefined || value === undefined) return undefined
  if (scheme.toLowerCase() === 'bearer') return value
  const userAndPassword = Buffer.from(value, 'base64').toString()
  const colon = userAndPassword.indexOf(':')
  return colon < 0 ? undefined : userAndPassword.slice(colon + 1)
}

function digest(text: string): string {
  return hash('sha256', text)
}
