/** Holds what was put into it last, by a text or a number. */
export type Recent<Value, Key = string> = {
  get(key: Key): Value | undefined
  /** The key is kept: a text that was cut out of a longer one would keep all of that. */
  put(key: Key, value: Value): void
  clear(): void
}

/**
 * Holds at least the last `atLeast` values and at most twice as many. They lie in two generations: the older one goes
 * as a whole when the younger one is full, so that reading changes nothing and costs one look-up.
 */
export function createRecent<Value, Key = string>(atLeast: number): Recent<Value, Key> {
  let young = new Map<Key, Value>()
  let old = new Map<Key, Value>()
  return {
    get: (key) => young.get(key) ?? old.get(key),
    put(key, value) {
      if (young.size >= atLeast) {
        old = young
        young = new Map()
      }
      young.set(key, value)
    },
    clear() {
      young = new Map()
      old = new Map()
    },
  }
}
