import { randomInt } from 'node:crypto'

/** Answers by transaction, kept on UDP so that a retransmission gets the same text and no second check. */
export type KeptAnswers = {
  /** The answer; undefined where there is none, or 64 times T1 have passed. */
  find(key: string): string | undefined
  /** Neither key nor answer holds a character above U+00FF. */
  keep(key: string, answer: string): void
  readonly size: number
}

/** Timer J on what may lose a message: 64 times T1, in milliseconds (RFC 3261 section 17.2.2). */
const KEPT_MS = 32_000

/** Bytes of key and answer together; a longer one is not kept, and its retransmission is checked again. */
const RECORD_MAX = 65_536

/** Records of one bucket that are looked at. There are twice as many buckets as records: who meets more made them. */
const CHAIN_MAX = 32

/**
 * Holds at most so many answers and so many bytes of keys and answers; beyond either, the oldest goes. `now` is in
 * milliseconds. Their bytes lie one after the other in a ring outside of V8's heap: thousands a second, each kept for
 * seconds, would there be copied twice and swept once, which takes longer than all that is done for their requests.
 * The ring takes memory as it fills. Records are numbered from 1; what is known of one lies at its number modulo `most`.
 */
export function createKeptAnswers(deps: {
  readonly most: number
  readonly mostBytes: number
  readonly now: () => number
}): KeptAnswers {
  const { most, mostBytes, now } = deps
  // Room for what is left free at the end, where a record does not fit any more, once behind and once ahead.
  const ring = Buffer.allocUnsafeSlow(mostBytes + 2 * RECORD_MAX)
  const [offsets, keyLengths, answerLengths] = [new Uint32Array(most), new Uint32Array(most), new Uint32Array(most)]
  const [ends, previous] = [new Float64Array(most), new Float64Array(most)]
  const buckets = new Float64Array(2 ** Math.ceil(Math.log2(2 * most)))
  const seed = randomInt(2 ** 32)
  let [oldest, next] = [1, 1]
  let [bytes, writeAt] = [0, 0]

  const forgetOldest = (): void => {
    const slot = oldest++ % most
    bytes -= (keyLengths[slot] ?? 0) + (answerLengths[slot] ?? 0)
  }

  const forgetExpired = (): void => {
    const time = now()
    while (oldest < next && (ends[oldest % most] ?? 0) <= time) forgetOldest()
  }

  const bucketOf = (key: string): number => {
    let hash = seed
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
    return (hash ^ (hash >>> 15)) & (buckets.length - 1)
  }

  const holds = (slot: number, key: string): boolean => {
    const from = offsets[slot] ?? 0
    return keyLengths[slot] === key.length && ring.toString('latin1', from, from + key.length) === key
  }

  return {
    find(key) {
      if (oldest === next) return undefined
      forgetExpired()
      let number = buckets[bucketOf(key)] ?? 0
      for (let looked = 0; number >= oldest && looked < CHAIN_MAX; looked++) {
        const slot = number % most
        const from = (offsets[slot] ?? 0) + key.length
        if (holds(slot, key)) return ring.toString('latin1', from, from + (answerLengths[slot] ?? 0))
        number = previous[slot] ?? 0
      }
      return undefined
    },
    keep(key, answer) {
      const length = key.length + answer.length
      if (length > Math.min(mostBytes, RECORD_MAX)) return
      forgetExpired()
      while (next - oldest >= most || bytes + length > mostBytes) forgetOldest()
      if (writeAt + length > ring.length) writeAt = 0
      const bucket = bucketOf(key)
      const slot = next % most
      offsets[slot] = writeAt
      keyLengths[slot] = ring.write(key, writeAt, 'latin1')
      answerLengths[slot] = ring.write(answer, writeAt + key.length, 'latin1')
      ends[slot] = now() + KEPT_MS
      previous[slot] = buckets[bucket] ?? 0
      buckets[bucket] = next++
      bytes += length
      writeAt += length
    },
    get size() {
      forgetExpired()
      return next - oldest
    },
  }
}
