import { hash } from 'node:crypto'
import type { Answerable } from './answerable.js'
import { type Answer, createInviteTransactions } from './invite-transactions.js'
import { createKeptAnswers } from './kept-answers.js'
import type { Limits } from './limits.js'
import type { Source } from './reply.js'

/**
 * Requests that were answered after the digest was right, kept so that retransmissions get the same answer and no
 * second check (RFC 3261 section 17.2).
 */
export type Transactions = {
  has(key: string): boolean
  /** Hands a retransmission or an ACK to its transaction, which answers through `send`; false where there is none. */
  absorb(key: string, method: string, send: Answer['send']): boolean
  /**
   * Sends the final answer and keeps it: an INVITE's for 32 s, sent again until its ACK where the transport may lose
   * it; any other for 32 s on UDP, and not at all on what loses nothing, where timer J is 0.
   */
  complete(key: string, method: string, answer: Answer): void
  readonly size: number
  destroy(): void
}

/** What transactions are bounded by, and the clock in milliseconds. */
export type TransactionsDeps = {
  readonly limits: Pick<Limits, 'invites' | 'answers' | 'answerBytes'>
  readonly now: () => number
}

/** Where there are too many, the oldest gives way: its retransmission would meet a used nonce count. */
export function createTransactions({ limits, now }: TransactionsDeps): Transactions {
  const answers = createKeptAnswers({ most: limits.answers, mostBytes: limits.answerBytes, now })
  const invites = createInviteTransactions(limits.invites)

  return {
    has: (key) => invites.has(key) || answers.find(key) !== undefined,
    absorb(key, method, send) {
      if (invites.absorb(key, method)) return true
      const kept = answers.find(key)
      if (kept) send(kept)
      return kept !== undefined
    },
    complete(key, method, answer) {
      if (method === 'INVITE') return invites.complete(key, answer)
      if (!answer.reliable) answers.keep(key, answer.text)
      answer.send(answer.text)
    },
    get size() {
      return invites.size + answers.size
    },
    destroy: invites.destroy,
  }
}

/**
 * What makes two requests the same transaction: RFC 3261 section 17.2.3 with From tag, Call-ID, CSeq and source beside
 * the branch, since a branch may be missing or chosen badly. An ACK and a CANCEL have the key of their INVITE.
 */
export function transactionKey(request: Answerable, transport: string, source: Source): string {
  const { method, callId, cseq, fromTag } = request
  const [{ sentBy, parameters }] = request.vias
  const matched = method === 'ACK' || method === 'CANCEL' ? 'INVITE' : method
  const branch = parameters.get('branch') ?? ''
  const { address, port } = source
  const key = `${matched}\n${callId}\n${cseq}\n${fromTag}\n${branch}\n${sentBy}\n${transport}\n${address}\n${port}`
  // A hash takes longer than the lookup; it is for what would take more memory than the answer.
  return key.length > KEY_LENGTH_MAX ? hash('sha256', key, 'base64') : key
}

/** A key that is no hash, in characters. No part of it holds a line end, and no hash does. */
const KEY_LENGTH_MAX = 400
