/** Longest text that is decoded in the place kept for it: as long as the longest body that is taken. */
const KEPT_LENGTH = 65_536
const kept = Buffer.alloc(KEPT_LENGTH)

/** A place for so many bytes of decoded names and values, until the next one is asked for. */
export function pairsBuffer(length: number): Buffer {
  return length <= KEPT_LENGTH ? kept : Buffer.alloc(length)
}

/**
 * Cuts names and values out of one text; for each pair `places` has where its name begins and ends, and where its value
 * ends, which follows at once. Every value of each name, in order.
 */
export function cutPairs(text: string, places: readonly number[]): Map<string, string[]> {
  const pairs = new Map<string, string[]>()
  for (let place = 0; place < places.length; place += 3) {
    const nameEnd = places[place + 1] ?? 0
    const name = text.slice(places[place], nameEnd)
    const value = text.slice(nameEnd, places[place + 2])
    const values = pairs.get(name)
    if (values) values.push(value)
    else pairs.set(name, [value])
  }
  return pairs
}
