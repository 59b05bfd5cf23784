/** The transactions of requests that are being answered. */
export type InFlight = {
  add(key: string): void
  delete(key: string): void
  has(key: string): boolean
  readonly size: number
  /** Resolves when there is none, or after so many milliseconds. */
  empty(milliseconds: number): Promise<void>
}

/** Counts without a promise for each: nobody waits for them but a server that stops. */
export function createInFlight(): InFlight {
  const keys = new Set<string>()
  let emptied = (): void => undefined

  return {
    add: (key) => void keys.add(key),
    delete(key) {
      if (keys.delete(key) && keys.size === 0) emptied()
    },
    has: (key) => keys.has(key),
    get size() {
      return keys.size
    },
    async empty(milliseconds) {
      if (keys.size === 0) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds)
        emptied = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    },
  }
}
