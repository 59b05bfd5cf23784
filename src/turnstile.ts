/** Lets so many in at a time for each subject; others wait, in order. */
export type Turnstile = {
  /** Undefined when there is room: then nothing is waited for. Whoever is in must leave. */
  enter(subject: string): Promise<void> | undefined
  leave(subject: string): void
  /** Whether `enter` would find room. */
  hasRoom(subject: string): boolean
  /** How many wait for a subject. */
  waiting(subject: string): number
}

/**
 * How many may wait is for the callers to say. `roomOf` says how many are let in for a subject at this moment, one at
 * least; it is asked only where somebody is inside.
 */
export function createTurnstile(roomOf: (subject: string) => number): Turnstile {
  const subjects = new Map<string, { inside: number; readonly waiting: (() => void)[] }>()
  const hasRoom = (subject: string, inside: number) => inside === 0 || inside < roomOf(subject)
  return {
    enter(subject) {
      const held = subjects.get(subject)
      if (!held) subjects.set(subject, { inside: 1, waiting: [] })
      else if (held.waiting.length === 0 && hasRoom(subject, held.inside)) held.inside++
      else return new Promise((resolve) => held.waiting.push(resolve))
      return undefined
    },
    leave(subject) {
      const held = subjects.get(subject)
      if (!held) return
      held.inside--
      for (let next = held.waiting[0]; next && hasRoom(subject, held.inside); next = held.waiting[0]) {
        held.waiting.shift()
        held.inside++
        next()
      }
      if (held.inside === 0) subjects.delete(subject)
    },
    hasRoom(subject) {
      if (subjects.size === 0) return true
      const held = subjects.get(subject)
      return !held || (held.waiting.length === 0 && hasRoom(subject, held.inside))
    },
    waiting: (subject) => subjects.get(subject)?.waiting.length ?? 0,
  }
}
