import type { AuthRequest } from './auth-request.js'
import type { Challenger } from './challenger.js'
import type { Claim } from './claim.js'
import type { Ha1Record } from './credential-source.js'
import type { Place } from './place.js'
import type { ReplayGuard, Spent } from './replay-guard.js'
import { refuse, UNAVAILABLE, type Verdict } from './verdict.js'

/** Concludes a check whose response is right, by a credential that the place lets in. */
export type Admitter = {
  /** Spends the nonce count; at once where no record of it has to be waited for. */
  admit(request: AuthRequest, claim: Claim, place: Place, record: Ha1Record): Verdict | Promise<Verdict>
}

export function createAdmitter(deps: { readonly replayGuard: ReplayGuard; readonly challenger: Challenger }): Admitter {
  const { replayGuard, challenger } = deps

  function conclude(spent: Spent, admitted: Admitted): Verdict | Promise<Verdict> {
    if (spent === 'unknown') return UNAVAILABLE
    return spent ? admitted : challenger.challenge('replayed_nonce', admitted.realm)
  }

  return {
    admit({ identity, companion }, { authorization, nonce }, place, record) {
      if (identity !== undefined && identity !== record.username && identity !== authorization.username) {
        return refuse('identity_mismatch', "the user of the address must be the digest's user name")
      }
      const admitted = admission(place, record)
      const spent = replayGuard.spend({
        nonceId: nonce.id,
        expiresAtMs: nonce.expiresAtMs,
        username: authorization.username,
        count: authorization.nc?.count,
        response: authorization.response,
        companion: companion?.(admitted),
      })
      if (spent instanceof Promise) return spent.then((spent) => conclude(spent, admitted))
      return conclude(spent, admitted)
    },
  }
}

type Admitted = Extract<Verdict, { readonly reason: 'ok' }>

function admission({ domain }: Place, record: Ha1Record): Admitted {
  const { username, realm, accountSid, credentialListSid, credentialSid } = record
  const credential = { username, realm, accountSid, credentialListSid, credentialSid }
  return { reason: 'ok', realm, accountSid, credential, domain }
}
