import { createTransactionLayer, type PackageTransaction } from './sip-package.js'

/** The final answer of a transaction: its text, how to send it, and whether the transport loses nothing. */
export type Answer = { readonly text: string; readonly reliable: boolean; send(text: string): void }

/** INVITEs that have their final answer, none of them 2xx, and may not have their ACK yet. */
export type InviteTransactions = {
  has(key: string): boolean
  /** Answers a retransmission, takes an ACK; false where there is no such INVITE. */
  absorb(key: string, method: string): boolean
  /** Sends the final answer, and again until the ACK where the transport may lose it; keeps it for 32 s at most. */
  complete(key: string, answer: Answer): void
  readonly size: number
  destroy(): void
}

/** RFC 3261 section 17.1.1.1, in milliseconds. The package doubles its timer G without an end, so it is not heard. */
const T1_MS = 500
const T2_MS = 4_000

type Invite = { readonly transaction: PackageTransaction; readonly timerG: TimerG; readonly reliable: boolean }

/** INVITE server transactions, RFC 3261 section 17.2.1. Where there are `most`, the oldest gives way. */
export function createInviteTransactions(most: number): InviteTransactions {
  const layer = createTransactionLayer()
  const live = new Map<string, Invite>()
  let asked = false

  /** What the package sends while it is told something is an answer; what it sends by itself is its timer G. */
  const tell = (doIt: () => void): void => {
    asked = true
    doIt()
    asked = false
  }

  const end = (key: string): void => {
    live.get(key)?.timerG.stop()
    live.delete(key)
  }

  const makeRoom = (): void => {
    if (live.size < most) return
    const [oldest] = live.values()
    oldest?.transaction.shutdown()
  }

  return {
    has: (key) => live.has(key),
    absorb(key, method) {
      const invite = live.get(key)
      if (invite === undefined) return false
      tell(() => invite.transaction.message({ method }))
      if (method !== 'ACK') return true
      invite.timerG.stop()
      if (invite.reliable) invite.transaction.shutdown() // timer I is 0
      return true
    },
    complete(key, { text, reliable, send }) {
      makeRoom()
      const sendIt = (): void => send(text)
      const transaction = layer.create(
        key,
        'INVITE',
        () => asked && sendIt(),
        () => end(key),
      )
      live.set(key, { transaction, timerG: startTimerG(reliable ? undefined : sendIt), reliable })
      tell(() => transaction.send({ status: FINAL }))
    },
    get size() {
      return live.size
    },
    destroy: layer.destroy,
  }
}

/** To the package every final answer but a 2xx is alike. */
const FINAL = 300

type TimerG = { stop(): void }

/** Sends after T1, and again after twice the time each, at most T2; never where there is nothing to send. */
function startTimerG(send: (() => void) | undefined): TimerG {
  if (send === undefined) return { stop: () => undefined }
  let timer: NodeJS.Timeout
  const start = (milliseconds: number): void => {
    timer = setTimeout(() => {
      send()
      start(Math.min(2 * milliseconds, T2_MS))
    }, milliseconds)
  }
  start(T1_MS)
  return { stop: () => clearTimeout(timer) }
}
