import { createRequire } from 'node:module'

/**
 * The only file that knows the `sip` package. Of it the server transactions are used, never its transports and never its
 * digest. Its parser and its writer read and write nothing here: they would read a second time what the message guard
 * has read, and take longer for it than all the rest; test/sip/sip-package.test.ts holds both to the same results.
 */

/** A server transaction, RFC 3261 section 17.2. `message` takes a retransmission or the ACK. */
export type PackageTransaction = {
  send(response: { status: number }): void
  message(request: { method: string }): void
  shutdown(): void
}

type TransactionKey = {
  method: string
  headers: { 'call-id': string; cseq: { method: string }; via: [{ params: { branch: string } }] }
}

type SipPackage = {
  makeTransactionLayer(
    options: object,
    open: () => never,
  ): {
    createServerTransaction(key: TransactionKey, connection: { send(): void; release(): void }): PackageTransaction
    destroy(): void
  }
}

const sip: SipPackage = createRequire(import.meta.url)('sip')

/** Server transactions under keys of our own; the package would tell them apart by Call-ID, method and branch alone. */
export function createTransactionLayer() {
  const layer = sip.makeTransactionLayer({}, () => {
    throw new Error('native SIP sends no requests')
  })
  return {
    /** `send` is called for the answer and again for each retransmission, `release` once when all is over. */
    create(key: string, method: string, send: () => void, release: () => void): PackageTransaction {
      const id = { method, headers: { 'call-id': key, cseq: { method }, via: [{ params: { branch: '' } }] } }
      return layer.createServerTransaction(id as TransactionKey, { send, release })
    },
    destroy: (): void => layer.destroy(),
  }
}
