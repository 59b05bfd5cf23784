/** A map that keeps at most so many entries; those not touched for longest go first, half of all at a time. */
export type BoundedMap<Value> = {
  get(key: string): Value | undefined
  set(key: string, value: Value): void
  delete(key: string): void
  clear(): void
  readonly size: number
}

/**
 * Two generations: what is set or found moves to the young one, and once that has half of `max` entries it becomes the
 * old one, and what was old and is still there goes. So an entry costs no more than its place in a Map, and most calls
 * one look into it. Between half of `max` and `max` of the entries touched last are kept. `max` is 2 at least.
 */
export function createBoundedMap<Value extends NonNullable<unknown>>(max: number): BoundedMap<Value> {
  const youngMax = Math.max(1, Math.floor(max / 2))
  let young = new Map<string, Value>()
  let old = new Map<string, Value>()

  function set(key: string, value: Value): void {
    if (young.size >= youngMax && !young.has(key)) {
      old = young
      young = new Map()
    }
    young.set(key, value)
  }

  return {
    get(key) {
      const held = young.get(key)
      if (held !== undefined) return held
      const older = old.get(key)
      if (older === undefined) return undefined
      old.delete(key)
      set(key, older)
      return older
    },
    set(key, value) {
      old.delete(key)
      set(key, value)
    },
    delete(key) {
      young.delete(key)
      old.delete(key)
    },
    clear() {
      young = new Map()
      old = new Map()
    },
    get size() {
      return young.size + old.size
    },
  }
}
