import { withinTime } from '../time-limit.js'

/** Questions to another process that are under way, each with a number by which its answer is known. */
export type Questions<Answer> = {
  /** Asks by `send`, and resolves with what `answer` is told; rejects where that does not come in time. */
  ask(send: (id: number) => void): Promise<Answer>
  /** Takes an answer; one that came too late is nobody's. */
  answer(id: number, answer: Answer): void
}

/** Begins with no question; an answer may take `limitMs`. */
export function createQuestions<Answer>(limitMs: number): Questions<Answer> {
  const open = new Map<number, (answer: Answer) => void>()
  let asked = 0
  return {
    async ask(send) {
      const id = ++asked
      try {
        return await withinTime(
          limitMs,
          new Promise<Answer>((resolve) => {
            open.set(id, resolve)
            send(id)
          }),
        )
      } finally {
        open.delete(id)
      }
    },
    answer(id, answer) {
      open.get(id)?.(answer)
    },
  }
}
