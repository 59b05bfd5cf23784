import type { FastifyRequest } from 'fastify'
import { type AccountAuth, unauthenticated } from '../account-auth.js'
import type { Access } from '../dialect.js'
import { parseBasic } from './basic.js'

/** Lets in whoever brings an account's SID and token as HTTP Basic, to the account that the path names. */
export function createTwilioAdmission(auth: AccountAuth): (request: FastifyRequest) => Promise<Access> {
  return async (request) => {
    const basic = parseBasic(request.headers.authorization)
    if (!basic) throw unauthenticated()
    const actor = await auth.authenticate(basic.user, basic.password)
    const { AccountSid } = request.params as { AccountSid?: string }
    return { actor, account: AccountSid === undefined ? actor : await auth.reach(actor, AccountSid) }
  }
}
