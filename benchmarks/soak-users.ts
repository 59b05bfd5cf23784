import type { List, NodeClient } from '../test/e2e/node.js'
import { createLedger, type Ledger } from '../test/faults/ledger.js'

/** What a login presents, and so what it must come to. */
export const KINDS = ['right', 'wrong', 'old', 'unknown'] as const
export type Kind = (typeof KINDS)[number]

/** Who logs in with what. */
export type Login = { readonly kind: Kind; readonly username: string; readonly password: string }

/** Users whose passwords change while they log in. */
export type SoakUsers = {
  readonly ledger: Ledger
  /** Creates a user or changes a password; true where it was acknowledged. */
  write(node: NodeClient): Promise<boolean>
  /** A login whose outcome is certain; undefined where there is no user of that kind at this moment. */
  next(): Login | undefined
  /** Whether the outcome is still certain: a right password may have been changed while it was on its way. */
  isCertain(login: Login): boolean
}

/** What was answered is in force everywhere within a second; a login that began before may come later. */
const IN_FORCE_MS = 2_000

/** `roll` answers a random number below 1. */
export function createSoakUsers(deps: { readonly list: List; readonly roll: () => number }): SoakUsers {
  const { roll } = deps
  const ledger = createLedger(deps)
  /** When the acknowledged password of a user was last seen to be another one, and what it was before. */
  const seen = new Map<string, { password: string; old: string | undefined; since: number }>()

  function look(username: string, acknowledged: string) {
    const before = seen.get(username)
    if (before?.password === acknowledged) return before
    const now = { password: acknowledged, old: before?.password, since: Date.now() }
    seen.set(username, now)
    return now
  }

  function next(): Login | undefined {
    const dice = roll()
    if (dice < 0.1)
      return { kind: 'unknown', username: `nobody${Math.floor(roll() * 1_000)}`, password: 'Nobody-Horse-1' }
    const usernames = [...ledger.accounts.keys()]
    const username = usernames[Math.floor(roll() * usernames.length)]
    const account = username === undefined ? undefined : ledger.accounts.get(username)
    if (username === undefined || account === undefined) return undefined
    if (dice < 0.25) return { kind: 'wrong', username, password: 'Wrong-Horse-77' }
    const { old, since } = look(username, account.acknowledged)
    // A change that is under way, or was not answered, may be in force or not.
    if (account.asked.size > 0 || Date.now() - since < IN_FORCE_MS) return undefined
    if (dice < 0.35) return old === undefined ? undefined : { kind: 'old', username, password: old }
    return { kind: 'right', username, password: account.acknowledged }
  }

  return {
    ledger,
    next,
    isCertain({ kind, username, password }) {
      if (kind !== 'right') return true
      const account = ledger.accounts.get(username)
      return account?.acknowledged === password && account.asked.size === 0
    },
    async write(node) {
      const isWritten = await ledger.write(node)
      for (const [username, { acknowledged }] of ledger.accounts) look(username, acknowledged)
      return isWritten
    },
  }
}
