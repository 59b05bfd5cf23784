import { createCircuit } from '../circuit.js'
import type { Metrics } from '../metrics.js'
import { TooLate, withinTime } from '../time-limit.js'

/** Questions put to the database at one time; more would be an outage made worse. */
const QUESTIONS_MAX = 100

/**
 * Longest wait for the database: a proxy gives up after a second, and may have waited for the mirror before.
 */
const TIMEOUT_MS = 500

/** Puts the hot path's questions to the database, no more at a time than it can take, and none while it hangs. */
export type DatabaseQuestions = {
  /**
   * Rejects where the database fails, does not answer in time or is not asked: because `room` questions (100 where it is
   * left out) are out, or because it did not answer a moment ago.
   */
  ask<T>(question: () => Promise<T>, room?: number): Promise<T>
}

/** `now` is in ms; what was not asked is counted. */
export function createDatabaseQuestions(deps: {
  readonly metrics: Pick<Metrics, 'unasked'>
  readonly now: () => number
}): DatabaseQuestions {
  const { unasked } = deps.metrics
  const circuit = createCircuit(deps)
  let out = 0
  for (const why of ['full', 'resting'] as const) unasked.inc({ store: 'postgres', why }, 0)

  return {
    async ask(question, room = QUESTIONS_MAX) {
      if (out >= room) {
        unasked.inc({ store: 'postgres', why: 'full' })
        throw new Error('too many questions are put to the database')
      }
      if (!circuit.mayAsk()) {
        unasked.inc({ store: 'postgres', why: 'resting' })
        throw new Error('the database did not answer a moment ago')
      }
      const answer = question()
      out++
      // Counted for as long as it holds a connection, which is longer than anybody waits for it.
      const answered = () => {
        out--
      }
      answer.then(answered, answered)
      try {
        const value = await withinTime(TIMEOUT_MS, answer)
        circuit.answered()
        return value
      } catch (error) {
        if (error instanceof TooLate) circuit.late()
        else circuit.answered()
        throw error
      }
    },
  }
}
