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

/** How many may wait is for the callers to say. */
export function createTurnstile(room: number): Turnstile {
  const subjects = new Map<string, { inside: number; readonly waiting: (() => void)[] }>()
  return {
    enter(subject) {
      const held = subjects.get(subject)
      if (!held) subjects.set(subject, { inside: 1, waiting: [] })
      else if (held.inside < room) held.inside++
      else return new Promise((resolve) => held.waiting.push(resolve))
      return undefined
    },
    leave(subject) {
      const held = subjects.get(subject)
      const next = held?.waiting.shift()
      // Whoever comes next takes the place over.
      if (next) next()
      else if (held && --held.inside === 0) subjects.delete(subject)
    },
    hasRoom: (subject) => (subjects.get(subject)?.inside ?? 0) < room,
    waiting: (subject) => subjects.get(subject)?.waiting.length ?? 0,
  }
}
