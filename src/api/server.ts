import { type FastifyBaseLogger, type FastifyInstance, fastify } from 'fastify'
import type pg from 'pg'
import type { Log } from '../log.js'
import type { Provision } from '../provision.js'
import { createAccountAuth, type Master } from './account-auth.js'
import { createAnswerer } from './answerer.js'
import type { Dialect, Dialects } from './dialect.js'
import { createServerOptions, hardenServer } from './hardening.js'
import { mountRoutes } from './routing.js'
import { createAccountOperations } from './twilio/accounts.js'
import { createTwilioAdmission } from './twilio/admission.js'
import { createCredentialListOperations } from './twilio/credential-lists.js'
import { createCredentialOperations } from './twilio/credentials.js'
import { answerTwilioFailure } from './twilio/errors.js'
import { TWILIO_MANUAL } from './twilio/manual.js'

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

/** Twilio's dialect: paths, methods and parameters are those of its published API, version 2010-04-01. */
function createTwilio({ now = Date.now, ...deps }: ApiDeps): Dialect {
  const accounts = createAccountOperations({ ...deps, now })
  const lists = createCredentialListOperations(deps)
  const credentials = createCredentialOperations(deps)
  const all = '/2010-04-01/Accounts'
  const sip = `${all}/:AccountSid/SIP`
  const inList = `${sip}/CredentialLists/:CredentialListSid`
  return {
    door: 'twilio',
    prefix: '/2010-04-01/',
    admit: createTwilioAdmission(createAccountAuth(deps)),
    answerFailure: answerTwilioFailure,
    manual: TWILIO_MANUAL,
    routes: [
      ['POST', `${all}.json`, accounts.create],
      ['GET', `${all}.json`, accounts.list],
      ['GET', `${all}/:AccountSid.json`, accounts.fetch],
      ['POST', `${all}/:AccountSid.json`, accounts.update],

      ['POST', `${sip}/CredentialLists.json`, lists.create],
      ['GET', `${sip}/CredentialLists.json`, lists.list],
      ['GET', `${inList}.json`, lists.fetch],
      ['POST', `${inList}.json`, lists.update],
      ['DELETE', `${inList}.json`, lists.remove],

      ['POST', `${inList}/Credentials.json`, credentials.create],
      ['GET', `${inList}/Credentials.json`, credentials.list],
      ['GET', `${inList}/Credentials/:CredentialSid.json`, credentials.fetch],
      ['POST', `${inList}/Credentials/:CredentialSid.json`, credentials.update],
      ['DELETE', `${inList}/Credentials/:CredentialSid.json`, credentials.remove],
    ],
  }
}

/** Builds the management API. Whoever asked for it lets it listen, and closes it. */
export async function createApiServer(deps: ApiDeps): Promise<FastifyInstance> {
  const dialects: Dialects = [createTwilio(deps)]
  const answerer = createAnswerer(dialects)
  const loggerInstance: FastifyBaseLogger = deps.log
  const app = fastify({ ...createServerOptions(answerer), loggerInstance })
  hardenServer(
    app,
    dialects.flatMap(({ routes }) => routes),
    answerer,
  )
  for (const dialect of dialects) await mountRoutes(app, dialect, deps.provision)
  return app
}
