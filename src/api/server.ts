import { type FastifyBaseLogger, type FastifyInstance, fastify } from 'fastify'
import type pg from 'pg'
import type { Log } from '../log.js'
import type { Provision } from '../provision.js'
import { createAccountAuth, type Master } from './account-auth.js'
import { hardenServer, SERVER_OPTIONS } from './hardening.js'
import type { Route } from './operation.js'
import { mountRoutes } from './routing.js'
import { createTwilioAdmission } from './twilio/admission.js'

/** What the management API is made of. */
export type ApiDeps = {
  readonly pool: pg.Pool
  readonly provision: Provision
  /** The account that creates accounts; `tokenHash` is the SHA-256 of its token. Its row must exist. */
  readonly master: Master
  readonly log: Log
  /** Milliseconds since the epoch; the system's clock where it is left out. */
  readonly now?: (() => number) | undefined
}

/** The whole routing table of Twilio's dialect; its paths are those of Twilio's published API, version 2010-04-01. */
function twilioRoutes(_deps: ApiDeps): Route[] {
  return []
}

/** Builds the management API. Whoever asked for it lets it listen, and closes it. */
export async function createApiServer(deps: ApiDeps): Promise<FastifyInstance> {
  const loggerInstance: FastifyBaseLogger = deps.log
  const auth = createAccountAuth(deps)
  const routes = twilioRoutes(deps)
  const app = fastify({ ...SERVER_OPTIONS, loggerInstance })
  hardenServer(app, routes)
  await mountRoutes(app, routes, createTwilioAdmission(auth))
  return app
}
