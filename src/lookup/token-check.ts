import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { equalInConstantTime } from '../digest/equal.js'
import { sendFault } from './fault.js'

/**
 * Lets in whoever shows the token: as a Bearer, or as the password of any Basic user. Everyone else gets a 401 that
 * no proxy can take for a verdict: it has no `status` and no header lines.
 */
export function createTokenCheck(token: { reveal(): string }) {
  const expected = digest(token.reveal())
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const shown = readToken(request.headers.authorization)
    if (shown !== undefined && equalInConstantTime(digest(shown), expected)) return
    reply.code(401).header('www-authenticate', 'Basic realm="sipauthd"')
    return sendFault(request, reply, 'Authorization must be Bearer, or Basic with any user, and the token of this door')
  }
}

function readToken(header: string | undefined): string | undefined {
  const [, scheme, value] = /^(bearer|basic) +(\S+)$/i.exec(header ?? '') ?? []
  if (scheme === undefined || value === undefined) return undefined
  if (scheme.toLowerCase() === 'bearer') return value
  const userAndPassword = Buffer.from(value, 'base64').toString()
  const colon = userAndPassword.indexOf(':')
  return colon < 0 ? undefined : userAndPassword.slice(colon + 1)
}

/** Hashed first, so that not even its length is told. */
function digest(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
