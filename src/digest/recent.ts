/** Holds what was put into it last, by a text. */
export type Recent<Value> = {
  get(text: string): Value | undefined
  /** The text is kept: one that was cut out of a longer text would keep all of that. */
  put(text: string, value: Value): void
  clear(): void
}

/**
 * Holds at least the last `atLeast` values and at most twice as many. They lie in two generations: the older one goes
 * as a whole when the younger one is full, so that reading changes nothing and costs one look-up.
 */
export function createRecent<Value>(atLeast: number): Recent<Value> {
  let young = new Map<string, Value>()
  let old = new Map<string, Value>()
  return {
    get: (text) => young.get(text) ?? old.get(text),
    put(text, value) {
      if (young.size >= atLeast) {
        old = young
        young = new Map()
      }
      young.set(text, value)
    },
    clear() {
      young = new Map()
      old = new Map()
    },
  }
}
