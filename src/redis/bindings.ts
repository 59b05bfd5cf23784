import type { Cluster, Redis } from 'ioredis'
import type { AddressOfRecord, Binding, Bindings, BindingsChange, BindingsOutcome } from '../sip/bindings.js'
import { applyChange } from '../sip/bindings-change.js'
import { type BindingsSwap, createBindingsSwaps } from './bindings-swap.js'
import { createBindingsUpdates } from './bindings-update.js'
import { createSeenBindings } from './seen-bindings.js'

/** What the bindings in Redis are built on; `now` is in milliseconds. */
export type RedisBindingsDeps = { readonly redis: Redis | Cluster; readonly now: () => number }

/**
 * Bindings in Redis, shared by all nodes: one key for each address of record, changed in one script and alone in it, so
 * that it runs on a cluster too. What this process last saw there is a guess: a change that succeeds on it is made here
 * and stored if the key still holds that very text. Whatever else comes of it (another node was there meanwhile, the
 * change is refused) Redis works out by itself.
 */
export function createRedisBindings({ redis, now }: RedisBindingsDeps): Bindings {
  const update = createBindingsUpdates({ redis, now })
  const swap = createBindingsSwaps(redis)
  const seen = createSeenBindings(readBindings)

  /** The change made on what was last seen; undefined where nothing was, or the change would be refused. */
  function guess(key: string, change: BindingsChange): Guess | undefined {
    const before = seen.get(key)
    if (before === undefined) return undefined
    const time = now()
    const after = applyChange(live(before.bindings, time), change, time)
    if (after.outcome !== 'done') return undefined
    const { bindings } = after
    const text = seen.write(key, bindings)
    const leftMs = bindings.reduce((longest, { expiresAt }) => Math.max(longest, expiresAt - time), 0)
    return { swap: { key, expected: before.text, text, leftMs }, after }
  }

  /** Where the guess was right, its outcome is the one that Redis would come to. */
  function conclude({ swap: { key, text }, after }: Guess, swapped: boolean): BindingsOutcome | undefined {
    if (swapped) seen.set(key, text, after.bindings)
    else seen.delete(key)
    return swapped ? after : undefined
  }

  async function swapGuess(guessed: Guess): Promise<BindingsOutcome | undefined> {
    return conclude(guessed, await swap(guessed.swap))
  }

  async function decide(key: string, change: BindingsChange): Promise<BindingsOutcome> {
    const answer = await update({ key, change: changeText(change, now()) })
    if (answer.outcome === 'fault') throw new Error(`Redis did not change bindings: ${answer.text}`)
    if (answer.outcome !== 'done') return { outcome: answer.outcome }
    const { outcome, text } = answer
    const bindings = readBindings(text)
    seen.set(key, text, bindings)
    return { outcome, bindings }
  }

  return {
    async update(address, change) {
      const key = bindingsKey(address)
      const guessed = guess(key, change)
      return (guessed && (await swapGuess(guessed))) ?? decide(key, change)
    },
    prepare(address, change) {
      const guessed = redis.isCluster ? undefined : guess(bindingsKey(address), change)
      if (guessed === undefined) return undefined
      let outcome: BindingsOutcome | undefined
      const settle = (stored: boolean): void => {
        outcome = conclude(guessed, stored)
      }
      const { key, expected, text, leftMs } = guessed.swap
      // Written out, and without an accessor: either would make V8 lay out each anew.
      return {
        companion: { key, expected, text, leftMs, settle },
        outcome: () => outcome,
      }
    },
    async list(address) {
      const text = await redis.get(bindingsKey(address))
      return text === null ? [] : live(readBindings(text), now())
    },
  }
}

/** What was worked out on bindings that were seen before, to be stored if they are still there. */
type Guess = { readonly swap: BindingsSwap; readonly after: BindingsOutcome & { readonly outcome: 'done' } }

function live(bindings: readonly Binding[], time: number): readonly Binding[] {
  return bindings.every(({ expiresAt }) => expiresAt > time) ? bindings : bindings.filter((one) => one.expiresAt > time)
}

/** `sipauth:bindings:<realm>:<username>`; neither part holds a colon. */
function bindingsKey({ realm, username }: AddressOfRecord): string {
  return `sipauth:bindings:${realm}:${username}`
}

/** The change as the script reads it. */
function changeText({ callId, cseq, contacts }: BindingsChange, time: number): string {
  if (contacts === '*') return JSON.stringify({ callId, cseq, contacts })
  const timed = contacts.map(({ expiresSeconds, ...contact }) => ({
    ...contact,
    expiresAt: expiresSeconds === 0 ? 0 : time + expiresSeconds * 1000,
  }))
  return JSON.stringify({ callId, cseq, contacts: timed })
}

/** Only what is here writes what is read here; anything else is a fault. */
function readBindings(text: string): readonly Binding[] {
  const bindings: unknown = JSON.parse(text)
  if (!Array.isArray(bindings) || !bindings.every(isBinding)) throw new Error('a key of bindings holds something else')
  return bindings
}

function isBinding(value: unknown): value is Binding {
  if (typeof value !== 'object' || value === null) return false
  const { uri, key, callId, cseq, expiresAt, q } = value as { [Field in keyof Binding]?: unknown }
  const texts = typeof uri === 'string' && typeof key === 'string' && typeof callId === 'string'
  return (
    texts && typeof cseq === 'number' && typeof expiresAt === 'number' && ['number', 'undefined'].includes(typeof q)
  )
}
