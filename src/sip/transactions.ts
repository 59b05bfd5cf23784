import { hash } from 'node:crypto'
import type { Answerable } from './answerable.js'
import type { Source } from './reply.js'
import { createTransactionLayer, type PackageTransaction } from './sip-package.js'

/** The answer of a transaction: what to do to send it, and whether the transport loses nothing. */
export type Answer = { readonly status: number; readonly reliable: boolean; send(): void }

/**
 * Requests that were answered after the digest was right, kept so that retransmissions get the same answer and no
 * second check (RFC 3261 section 17.2).
 */
export type Transactions = {
  has(key: string): boolean
  /** Hands a retransmission or an ACK to its transaction; false where there is none. */
  absorb(key: string, method: string): boolean
  /** Sends the final answer and keeps it: 32 s, an INVITE's retransmitted until its ACK on what may lose it. */
  complete(key: string, method: string, answer: Answer): void
  readonly size: number
  destroy(): void
}

/** Where there are `most` transactions, the oldest gives way: its retransmission would meet a used nonce count. */
export function createTransactions(most: number): Transactions {
  const layer = createTransactionLayer()
  const live = new Map<string, { transaction: PackageTransaction; asked: boolean }>()

  const makeRoom = (): void => {
    if (live.size < most) return
    const [oldest] = live.values()
    oldest?.transaction.shutdown()
  }

  return {
    has: (key) => live.has(key),
    absorb(key, method) {
      const known = live.get(key)
      if (known === undefined) return false
      known.asked = true
      known.transaction.message({ method })
      known.asked = false
      return true
    },
    complete(key, method, { status, reliable, send }) {
      makeRoom()
      const resend = (): void => {
        if (entry.asked || !reliable) send() // the package's timer G runs on reliable transports too
      }
      const transaction = layer.create(key, method, resend, () => live.delete(key))
      const entry = { transaction, asked: true }
      live.set(key, entry)
      transaction.send({ status })
      entry.asked = false
    },
    get size() {
      return live.size
    },
    destroy: layer.destroy,
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
  const parts = [
    matched,
    callId,
    cseq,
    fromTag,
    parameters.get('branch'),
    sentBy,
    transport,
    source.address,
    source.port,
  ]
  return hash('sha256', parts.join('\n'), 'base64')
}

/**
 * What makes two requests of one transaction the same attempt to be let in. A phone that is challenged and tries again
 * without a new CSeq or branch breaks RFC 3261 section 22.2, but is not sent away with its old answer.
 */
export function attemptKey(key: string, authorizations: readonly string[]): string {
  return hash('sha256', [key, ...authorizations].join('\n'), 'base64')
}
