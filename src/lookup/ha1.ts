import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Ha1Answer, Ha1Lookup } from '../auth/ha1-lookup.js'
import { UNAVAILABLE_RETRY_SECONDS } from '../auth/verdict.js'
import { ALGORITHMS, type HashAlgorithm } from '../digest/algorithm.js'
import { parseQuery } from './encoded.js'
import { filled, flag, ParameterFault } from './parameters.js'

/** HTTP status of each answer; none but `found` has a body, which a careless proxy would take for an HA1. */
const STATUSES: Readonly<Record<Ha1Answer['kind'], number>> = { found: 200, none: 404, disabled: 403, unavailable: 503 }

/** `GET /v1/ha1`: an HA1 for proxies that check responses themselves. */
export function createHa1Handler({ ha1Lookup }: { readonly ha1Lookup: Ha1Lookup }) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const answer = await ha1Lookup.find(readQuery(request.url))
    reply.code(STATUSES[answer.kind]).header('cache-control', 'no-store')
    if (answer.kind === 'unavailable') reply.header('retry-after', UNAVAILABLE_RETRY_SECONDS)
    return reply.type('text/plain; charset=utf-8').send(answer.kind === 'found' ? answer.ha1 : '')
  }
}

function readQuery(url: string) {
  const parameters = parseQuery(url)
  const [realm, username] = [filled(parameters, 'realm'), filled(parameters, 'username')]
  if (realm === undefined) throw new ParameterFault('realm must be given')
  if (username === undefined) throw new ParameterFault('username must be given')
  const algorithm = filled(parameters, 'algorithm') ?? 'MD5'
  if (!isHashAlgorithm(algorithm)) {
    throw new ParameterFault(`algorithm must be one of ${Object.keys(ALGORITHMS).join(', ')}`)
  }
  return { realm, username, algorithm, decoy: flag(parameters, 'decoy') }
}

function isHashAlgorithm(text: string): text is HashAlgorithm {
  return Object.hasOwn(ALGORITHMS, text)
}
