import type pg from 'pg'
import { createSid, isAuthId } from '../../sid.js'
import { findAccountByAuthId } from '../../store/accounts.js'
import { type AccountAuth, unauthenticated } from '../account-auth.js'
import type { Admission } from '../dialect.js'

/** Lets in whoever brings an account's `MA_…` id and token as X-Auth-ID and X-Auth-Token, to the path's account. */
export function createVobizAdmission(deps: { readonly pool: pg.Pool; readonly auth: AccountAuth }): Admission {
  const { pool, auth } = deps
  // An unknown id goes the same way as a known one, with a SID that no account has, so that it takes the same time.
  const nobody = createSid('account')

  async function sidOf(authId: string): Promise<string> {
    const account = isAuthId(authId) ? await findAccountByAuthId(pool, authId) : undefined
    return account?.sid ?? nobody
  }

  return {
    async authenticate(request) {
      const { 'x-auth-id': id, 'x-auth-token': token } = request.headers
      if (typeof id !== 'string' || typeof token !== 'string') throw unauthenticated()
      return auth.authenticate(await sidOf(id), token)
    },
    async reach(request, actor) {
      const { auth_id = '' } = request.params as { auth_id?: string }
      return auth.reach(actor, await sidOf(auth_id))
    },
  }
}
