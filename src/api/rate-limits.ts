import rateLimit, { normalizeIP } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Account } from '../store/accounts.js'
import { WrongCredentials } from './account-auth.js'
import { Fault } from './fault.js'

/** How much is let in; zero is no limit. */
export type RateLimits = {
  /** Requests that an account may make a second, as an average over ten seconds. */
  readonly requestsPerSecond: number
  /** Wrong tokens that may come from one address a minute (from one /64 for IPv6), after which it is not heard. */
  readonly failuresPerMinute: number
}

/** Counts requests, in this process alone. */
export type RateLimiter = {
  /**
   * Finds out who asks by `authenticate`, unless too many wrong tokens came from the request's address; counts the
   * request where its own is wrong. Throws `too_many_requests`, and what `authenticate` throws.
   */
  admit(request: FastifyRequest, authenticate: () => Promise<Account>): Promise<Account>
  /** Counts a request of the account that asks, whatever comes of it. Throws `too_many_requests`. */
  count(request: FastifyRequest, actor: Account): Promise<void>
  /** Counts a request for what anybody may see, by its address. Throws `too_many_requests`. */
  countStranger(request: FastifyRequest): Promise<void>
}

/** Requests may come in bursts: what counts is how many there are in this time. */
const WINDOW_SECONDS = 10
const MINUTE_SECONDS = 60

/** Gives the server its counters. */
export async function createRateLimiter(app: FastifyInstance, limits: RateLimits): Promise<RateLimiter> {
  const actors = new WeakMap<FastifyRequest, string>()
  // Not by its own hooks: who asks is known only once a dialect has found it out.
  await app.register(rateLimit, { global: false })
  // A connection that its client has reset has no address, whatever the type says.
  const addressOf = ({ ip }: { ip: string | undefined }) => normalizeIP(ip ?? 'unknown')
  const failures = app.createRateLimit({
    max: limits.failuresPerMinute,
    timeWindow: MINUTE_SECONDS * 1_000,
    keyGenerator: addressOf,
  })
  const requestRate = { max: limits.requestsPerSecond * WINDOW_SECONDS, timeWindow: WINDOW_SECONDS * 1_000 }
  const requests = app.createRateLimit({ ...requestRate, keyGenerator: (request) => actors.get(request) ?? '' })
  const strangers = app.createRateLimit({ ...requestRate, keyGenerator: addressOf })

  async function refuseWhenSpent(request: FastifyRequest): Promise<void> {
    const state = await failures(request, { increment: false })
    if (!state.isAllowed && state.remaining === 0) throw tooMany(state.ttlInSeconds)
  }

  async function spendFailure(request: FastifyRequest): Promise<void> {
    const state = await failures(request)
    if (!state.isAllowed && state.remaining === 0 && !state.isExceeded) {
      // Once for each time that it happens: behind a proxy that is not trusted, everybody is out with one of them.
      const told = { source: request.ip, seconds: state.ttlInSeconds }
      request.log.warn(told, 'a source of too many wrong tokens is not heard for a while (API_TRUSTED_PROXIES?)')
    }
    if (!state.isAllowed && state.isExceeded) throw tooMany(state.ttlInSeconds)
  }

  return {
    async admit(request, authenticate) {
      if (limits.failuresPerMinute === 0) return authenticate()
      await refuseWhenSpent(request)
      const actor = await authenticate().catch(async (error: unknown) => {
        if (error instanceof WrongCredentials) await spendFailure(request)
        throw error
      })
      // Once more: of guesses that are made all at once, the right one is to find out no more than the others.
      await refuseWhenSpent(request)
      return actor
    },

    async count(request, actor) {
      if (limits.requestsPerSecond === 0) return
      actors.set(request, actor.sid)
      const state = await requests(request)
      if (!state.isAllowed && state.isExceeded) throw tooMany(state.ttlInSeconds)
    },

    async countStranger(request) {
      if (limits.requestsPerSecond === 0) return
      const state = await strangers(request)
      if (!state.isAllowed && state.isExceeded) throw tooMany(state.ttlInSeconds)
    },
  }
}

function tooMany(seconds: number): Fault {
  const wait = Math.max(1, seconds)
  return new Fault('too_many_requests', `Too many requests, try again in ${wait} s`, { 'retry-after': String(wait) })
}
