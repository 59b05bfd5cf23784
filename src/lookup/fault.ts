import type { FastifyReply, FastifyRequest } from 'fastify'

/** The path of `GET /v1/ha1`. */
export const HA1_PATH = '/v1/ha1'

/** What is told of a fault of ours. */
export const INTERNAL_ERROR = 'internal error'

/** Header field that carries the fault where the body must be empty. */
const FAULT_HEADER = 'x-fault'

/** The path that was asked for, as it was written, without its query. */
export function pathOf({ url }: FastifyRequest): string {
  return url.split('?')[0] ?? ''
}

/**
 * Sends what was wrong with a request itself, in a body that no proxy can take for a verdict: it has no `status` and no
 * header lines. Under `/v1/ha1` the body stays empty: a careless proxy takes any body for an HA1, and one that a
 * stranger can provoke and knows would be a password that fits.
 */
export function sendFault(request: FastifyRequest, reply: FastifyReply, fault: string): FastifyReply {
  if (pathOf(request) !== HA1_PATH) return reply.send({ error: fault })
  const printable = fault.replaceAll(/[^\x20-\x7e]/g, '?')
  return reply.header(FAULT_HEADER, printable).type('text/plain; charset=utf-8').send('')
}
