import type { AddressOfRecord, Binding, Bindings } from './bindings.js'
import { applyChange } from './bindings-change.js'

/** Addresses looked at after each update, so that what has expired goes without a timer. */
const SWEPT_PER_UPDATE = 2

/** Bindings in this process alone, for a node without Redis. `now` is in milliseconds. */
export function createMemoryBindings({ now }: { now: () => number }): Bindings {
  const addresses = new Map<string, readonly Binding[]>()

  const live = (key: string, time: number): readonly Binding[] =>
    (addresses.get(key) ?? []).filter((binding) => binding.expiresAt > time)

  const store = (key: string, bindings: readonly Binding[]): void => {
    addresses.delete(key)
    if (bindings.length > 0) addresses.set(key, bindings)
  }

  /** Goes round all addresses, a few at a time: what lives moves to the end of the map. */
  const sweep = (time: number): void => {
    let left = SWEPT_PER_UPDATE
    for (const key of addresses.keys()) {
      if (left-- === 0) return
      store(key, live(key, time))
    }
  }

  return {
    async update(address, change) {
      const key = addressKey(address)
      const time = now()
      const result = applyChange(live(key, time), change, time)
      if (result.outcome === 'done') store(key, result.bindings)
      sweep(time)
      return result
    },
    async list(address) {
      return live(addressKey(address), now())
    },
  }
}

/** Neither part holds a colon, so a key is unambiguous. */
function addressKey({ realm, username }: AddressOfRecord): string {
  return `${realm}:${username}`
}
