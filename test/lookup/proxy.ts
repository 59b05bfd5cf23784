import type { Challenge, Qop } from '../../src/digest/challenge.js'
import { type Answer, answer, URI } from '../auth/phone.js'
import { ask, type HttpAnswer, type HttpQuestion } from '../fixtures/http.js'
import { KNOWN_TOKENS } from '../fixtures/tenant.js'

/** A JSON answer of `/v1/verify`. */
export type VerifyAnswer = {
  readonly status: number
  readonly reason: string
  readonly headers: readonly string[]
  readonly hdr: string
  readonly detail?: string
}

/** What a proxy does with the lookup API at a base URL. */
export type Proxy = {
  /** Any request, with the proxy token unless `headers` has another Authorization. */
  ask(path: string, question?: HttpQuestion): Promise<HttpAnswer>
  /** A form-encoded verify of a REGISTER for the realm. */
  verify(form?: Readonly<Record<string, string>>, query?: string): Promise<HttpAnswer>
  /** The same, with a fresh challenge answered. */
  attempt(how?: Answer, form?: Readonly<Record<string, string>>, query?: string): Promise<HttpAnswer>
  /** The first challenge for the realm. */
  challenge(): Promise<Challenge>
}

export const BEARER = { authorization: `Bearer ${KNOWN_TOKENS.PROXY_TOKEN}` }

export function createProxy(auth: string, realm: string): Proxy {
  const asking: Proxy['ask'] = (path, question) =>
    ask(auth + path, { api: 'lookup', ...question, headers: { ...BEARER, ...question?.headers } })
  const verify: Proxy['verify'] = (form, query = '') =>
    asking(`/v1/verify${query}`, { form: { method: 'REGISTER', realm, ...form } })
  const challenge = async () => readChallenge((await verify()).json)
  return {
    ...{ ask: asking, verify, challenge },
    attempt: async (how, form, query) =>
      verify({ authorization: answer(await challenge(), { realm, ...how }), uri: how?.uri ?? URI, ...form }, query),
  }
}

/** The first challenge in a verify's answer, as a phone reads it. */
export function readChallenge(json: unknown): Challenge {
  const [line = ''] = (json as VerifyAnswer).headers
  const read = (name: string) => new RegExp(`${name}="?([^",]*)`).exec(line)?.[1] ?? ''
  return {
    realm: read('realm'),
    nonce: read('nonce'),
    algorithm: read('algorithm') as Challenge['algorithm'],
    qop: (/qop="([^"]*)"/.exec(line)?.[1] ?? '').split(',').filter(Boolean) as Qop[],
    stale: line.includes('stale=true'),
  }
}
