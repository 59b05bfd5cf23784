import type { Log } from './log.js'

/** What was opened and is to be closed again: opened last, closed first. */
export type Closers = {
  add(close: () => unknown): void
  /** Closes all, each whatever becomes of the others; what fails is logged. */
  closeAll(): Promise<void>
}

/** Begins with nothing opened. */
export function createClosers(log: Log): Closers {
  const closers: (() => unknown)[] = []
  return {
    add(close) {
      closers.push(close)
    },
    async closeAll() {
      for (const close of closers.splice(0).reverse()) {
        try {
          await close()
        } catch (error) {
          log.warn({ err: error }, 'a part did not close cleanly')
        }
      }
    },
  }
}
