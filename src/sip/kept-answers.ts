import { LRUCache } from 'lru-cache'

/** Answers by transaction, kept on UDP so that a retransmission gets the same bytes and no second check. */
export type KeptAnswers = {
  /** The answer; undefined where there is none, or 64 times T1 have passed. */
  find(key: string): Buffer | undefined
  keep(key: string, answer: Buffer): void
  readonly size: number
}

/** Timer J on what may lose a message: 64 times T1, in milliseconds (RFC 3261 section 17.2.2). */
const KEPT_MS = 32_000

/**
 * Holds at most so many answers and bytes; beyond either, the one used longest ago goes. `now` is in milliseconds.
 * There is no timer for each: at thousands of answers a second, 32 s of them would cost more than the answers.
 */
export function createKeptAnswers(deps: {
  readonly most: number
  readonly mostBytes: number
  readonly now: () => number
}): KeptAnswers {
  // Text, since a small Buffer would hold on to the pool that it was cut from.
  const answers = new LRUCache<string, string>({
    max: deps.most,
    maxSize: deps.mostBytes,
    sizeCalculation: (text) => text.length,
    ttl: KEPT_MS,
    ttlResolution: 0,
    perf: { now: deps.now },
  })
  return {
    find(key) {
      const text = answers.get(key)
      return text === undefined ? undefined : Buffer.from(text, 'latin1')
    },
    keep(key, answer) {
      answers.set(key, answer.toString('latin1'))
    },
    get size() {
      return answers.size
    },
  }
}
