import type { AuthRequest } from '../../src/auth/auth-request.js'
import type { Authenticator } from '../../src/auth/authenticator.js'
import { REASONS, type Reason, type Verdict } from '../../src/auth/verdict.js'
import type { Challenge } from '../../src/digest/challenge.js'

/** An authenticator that does as the Authorization header says, and remembers what it was asked. */
export type ScriptedAuthenticator = Authenticator & {
  readonly asked: AuthRequest[]
  /** Keeps all answers back until the function it returns is called. */
  hold(): () => void
}

/**
 * `Authorization: ok [username] [realm] [domain]` lets in (as the identity and the domain that were asked for, unless
 * named; at that SIP domain, or at none);
 * the name of any other reason refuses with it; without a header there is a challenge.
 */
export function scriptedAuthenticator(): ScriptedAuthenticator {
  const asked: AuthRequest[] = []
  let gate = Promise.resolve()
  return {
    asked,
    hold() {
      let release = (): void => undefined
      gate = new Promise((resolve) => {
        release = resolve
      })
      return release
    },
    async verify(_door, request) {
      asked.push(request)
      await gate
      return verdict(request)
    },
  }
}

function verdict({ authorizations, domain = '', identity = '' }: AuthRequest): Verdict {
  const words = (authorizations[0] ?? 'no_credentials').split(' ')
  const [word = 'no_credentials', username = identity, realm = domain, name] = words
  if (word === 'throw') throw new Error('the authenticator broke')
  if (word === 'ok') {
    const accountSid = 'AC0'
    const credential = { username, realm, accountSid, credentialListSid: 'CL0', credentialSid: 'CR0' }
    return {
      reason: 'ok',
      realm,
      accountSid,
      credential,
      domain: name === undefined ? undefined : { name, sid: 'SD0' },
    }
  }
  const reason = (word in REASONS ? word : 'malformed') as Exclude<Reason, 'ok'>
  return refusal(reason, domain)
}

function refusal(reason: Exclude<Reason, 'ok'>, realm: string): Verdict {
  const answer = REASONS[reason]
  if (answer === 503) return { reason, retryAfterSeconds: 7 } as Verdict
  if (answer !== 'challenge') return { reason, detail: `Refused For ${reason}` } as Verdict
  const challenge: Challenge = { realm, nonce: 'n1', algorithm: 'MD5', qop: ['auth'], stale: reason === 'stale_nonce' }
  return { reason, realm, challenges: [challenge, { ...challenge, algorithm: 'SHA-256' }] } as Verdict
}
