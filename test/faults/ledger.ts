import type { List, NodeClient } from '../e2e/node.js'

/** What a user's password may be: what was last acknowledged, and what was asked for since without an answer. */
export type Account = { readonly sid: string; acknowledged: string; readonly asked: Set<string> }

/** Writes credentials and remembers what was acknowledged, through nodes that may die at any instant. */
export type Ledger = {
  readonly accounts: ReadonlyMap<string, Account>
  /** Creates a user or changes a password; true where it was acknowledged. */
  write(node: NodeClient): Promise<boolean>
}

/** `roll` answers a random number below 1. */
export function createLedger({ list, roll }: { readonly list: List; readonly roll: () => number }): Ledger {
  const accounts = new Map<string, Account>()
  /** One change of a user at a time: of two, the answers need not come in the order of the commits. */
  const busy = new Set<Account>()
  let count = 0

  async function create(node: NodeClient): Promise<void> {
    const [username, acknowledged] = [`user${++count}`, `Created-Horse-${count}`]
    const sid = await node.createUser(list, username, acknowledged)
    accounts.set(username, { sid, acknowledged, asked: new Set() })
  }

  async function change(node: NodeClient, account: Account): Promise<void> {
    const password = `Changed-Horse-${++count}`
    account.asked.add(password)
    busy.add(account)
    try {
      await node.changePassword(list, account.sid, password)
      account.acknowledged = password
      // Whatever was asked for before and never answered came before this one, or never.
      account.asked.clear()
    } finally {
      busy.delete(account)
    }
  }

  return {
    accounts,
    async write(node) {
      const known = [...accounts.values()].filter((account) => !busy.has(account))
      const account = roll() < 0.5 ? known[Math.floor(roll() * known.length)] : undefined
      try {
        await (account ? change(node, account) : create(node))
        return true
      } catch {
        // The node died, or a store did: whether it was written is not known, and nobody was told that it was.
        return false
      }
    },
  }
}
