import { type AccountAuth, unauthenticated } from '../account-auth.js'
import type { Admission } from '../dialect.js'
import { parseBasic } from './basic.js'

/** Lets in whoever brings an account's SID and token as HTTP Basic, to the account that the path names. */
export function createTwilioAdmission(auth: AccountAuth): Admission {
  return {
    async authenticate(request) {
      const basic = parseBasic(request.headers.authorization)
      if (!basic) throw unauthenticated()
      return auth.authenticate(basic.user, basic.password)
    },
    async reach(request, actor) {
      const { AccountSid = actor.sid } = request.params as { AccountSid?: string }
      return auth.reach(actor, AccountSid)
    },
  }
}
