/** How long a store that does not answer in time is left alone. */
const REST_MS = 1_000

/** So many questions in a row have to stay without an answer in time; one may have been slow by itself. */
const LATE_MAX = 3

/** Whether a store that stopped answering is asked: spares whoever comes next the wait for it. */
export type Circuit = {
  /** Whether to ask. While the store is left alone, one question a second goes ahead and tells for all. */
  mayAsk(): boolean
  /** An answer came in time, an error too: the store is asked again. */
  answered(): void
  /** A question stayed without an answer for as long as anybody waits. */
  late(): void
}

/** After three questions in a row that were not answered in time, the store is left alone. `now` is in ms. */
export function createCircuit({ now }: { readonly now: () => number }): Circuit {
  let late = 0
  let restUntil: number | undefined
  const rest = () => {
    restUntil = now() + REST_MS
  }
  return {
    mayAsk() {
      if (restUntil === undefined) return true
      if (now() < restUntil) return false
      // The first one after the rest goes ahead alone.
      rest()
      return true
    },
    answered() {
      late = 0
      restUntil = undefined
    },
    late() {
      late++
      if (late >= LATE_MAX) rest()
    },
  }
}
