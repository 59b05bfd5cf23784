import { LRUCache } from 'lru-cache'

/** Answers by transaction, kept on UDP so that a retransmission gets the same text and no second check. */
export type KeptAnswers = {
  /** The answer; undefined where there is none, or 64 times T1 have passed. */
  find(key: string): string | undefined
  keep(key: string, answer: string): void
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
  const answers = new LRUCache<string, string>({
    max: deps.most,
    maxSize: deps.mostBytes,
    sizeCalculation: (text, key) => text.length + key.length,
    ttl: KEPT_MS,
    ttlResolution: 0,
    perf: { now: deps.now },
  })
  return {
    find: (key) => answers.get(key),
    keep: (key, answer) => void answers.set(key, answer),
    get size() {
      return answers.size
    },
  }
}
