import type { Cluster, Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import type { AddressOfRecord, Binding, Bindings, BindingsChange, BindingsOutcome } from '../sip/bindings.js'
import { applyChange } from '../sip/bindings-change.js'
import { type BindingsSwap, createBindingsSwaps } from './bindings-swap.js'
import { createBindingsUpdates } from './bindings-update.js'

/** What the bindings in Redis are built on; `now` is in milliseconds. */
export type RedisBindingsDeps = { readonly redis: Redis | Cluster; readonly now: () => number }

/** Characters of what was seen, keys included, that are kept in mind: some 100,000 phones. */
const SEEN_CHARACTERS_MAX = 24 * 1024 * 1024

/**
 * Bindings in Redis, shared by all nodes: one key for each address of record, changed in one script and alone in it, so
 * that it runs on a cluster too. What this process last saw there is a guess: a change that succeeds on it is made here
 * and stored if the key still holds that very text. Whatever else comes of it (another node was there meanwhile, the
 * change is refused) Redis works out by itself.
 */
export function createRedisBindings({ redis, now }: RedisBindingsDeps): Bindings {
  const update = createBindingsUpdates({ redis, now })
  const swap = createBindingsSwaps(redis)
  // As text, which is what Redis compares, and holds on to nothing of the requests.
  const seen = new LRUCache<string, string>({
    maxSize: SEEN_CHARACTERS_MAX,
    sizeCalculation: (text, key) => text.length + key.length,
  })

  const remember = (key: string, text: string, bindings: readonly Binding[]): void => {
    if (bindings.length > 0) seen.set(key, text)
    else seen.delete(key)
  }

  /** The change made on what was last seen; undefined where nothing was, or the change would be refused. */
  function guess(key: string, change: BindingsChange): Guess | undefined {
    const expected = seen.get(key)
    if (expected === undefined) return undefined
    const time = now()
    const after = applyChange(live(readBindings(expected), time), change, time)
    if (after.outcome !== 'done') return undefined
    const { bindings } = after
    const text = JSON.stringify(bindings)
    const leftMs = bindings.reduce((longest, { expiresAt }) => Math.max(longest, expiresAt - time), 0)
    return { swap: { key, expected, text, leftMs }, after }
  }

  /** Where the guess was right, its outcome is the one that Redis would come to. */
  function conclude({ swap: { key, text }, after }: Guess, swapped: boolean): BindingsOutcome | undefined {
    if (swapped) remember(key, text, after.bindings)
    else seen.delete(key)
    return swapped ? after : undefined
  }

  async function swapGuess(guessed: Guess): Promise<BindingsOutcome | undefined> {
    return conclude(guessed, await swap(guessed.swap))
  }

  async function decide(key: string, change: BindingsChange): Promise<BindingsOutcome> {
    const answer = await update({ key, change: changeText(change, now()) })
    if (answer.outcome === 'fault') throw new Error(`a key of bindings holds something else: ${answer.text}`)
    if (answer.outcome !== 'done') return { outcome: answer.outcome }
    const { outcome, text } = answer
    const bindings = readBindings(text)
    remember(key, text, bindings)
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
      return {
        companion: { ...guessed.swap, settle },
        get outcome() {
          return outcome
        },
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
