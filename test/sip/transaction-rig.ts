import { LIMITS, type Limits } from '../../src/sip/limits.js'
import { createTransactions } from '../../src/sip/transactions.js'

/** Transactions with a clock of their own, and the texts that they sent. */
export function transactionRig(limits: Partial<Limits> = {}) {
  let time = Date.UTC(2026, 0, 1)
  const sent: string[] = []
  const send = (text: string): void => void sent.push(text)
  const transactions = createTransactions({ limits: { ...LIMITS, ...limits }, now: () => time })
  const complete = (key: string, method: string, reliable = false): void =>
    transactions.complete(key, method, { text: `answer to ${key}`, reliable, send })
  const absorb = (key: string, method: string): boolean => transactions.absorb(key, method, send)
  const advance = (milliseconds: number): void => {
    time += milliseconds
  }
  return { transactions, sent, complete, absorb, advance }
}
