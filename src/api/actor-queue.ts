import { createTurnstile } from '../turnstile.js'
import { Fault } from './fault.js'

/** Requests of one account that are worked on at a time; together with its reads they are far from all connections. */
const IN_WORK_MAX = 4
/** Requests of one account that wait their turn. */
const WAITING_MAX = 1_000

/** Makes the requests of one account wait for each other, so that its burst leaves the database to the others as well. */
export type ActorQueue = {
  /** Does the work when its turn comes. Throws `too_many_requests` where too many wait already. */
  run<T>(actorSid: string, work: () => Promise<T>): Promise<T>
}

/** Builds a queue for all accounts, in this process alone. Nobody who waits has a connection. */
export function createActorQueue(): ActorQueue {
  const turnstile = createTurnstile(() => IN_WORK_MAX)
  return {
    async run(actorSid, work) {
      if (turnstile.waiting(actorSid) >= WAITING_MAX) {
        throw new Fault('too_many_requests', 'Too many requests at once, try again in 1 s', { 'retry-after': '1' })
      }
      await turnstile.enter(actorSid)
      try {
        return await work()
      } finally {
        turnstile.leave(actorSid)
      }
    },
  }
}
