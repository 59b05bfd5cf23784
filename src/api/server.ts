import { type FastifyBaseLogger, type FastifyInstance, fastify } from 'fastify'
import type pg from 'pg'
import type { Log } from '../log.js'
import type { Provision } from '../provision.js'
import { createAccountAuth, type Master } from './account-auth.js'
import { createAnswerer } from './answerer.js'
import type { Dialect, Dialects } from './dialect.js'
import { createServerOptions, hardenServer } from './hardening.js'
import { parseJson } from './json.js'
import { parseParameters } from './parameters.js'
import { mountRoutes } from './routing.js'
import { createAccountOperations } from './twilio/accounts.js'
import { createTwilioAdmission } from './twilio/admission.js'
import { createCredentialListOperations } from './twilio/credential-lists.js'
import { createCredentialOperations } from './twilio/credentials.js'
import { answerTwilioFailure } from './twilio/errors.js'
import { TWILIO_MANUAL } from './twilio/manual.js'
import { createVobizAdmission } from './vobiz/admission.js'
import { canonicalPath } from './vobiz/canonical-path.js'
import { createCredentialOperations as createVobizOperations } from './vobiz/credentials.js'
import { answerVobizFailure } from './vobiz/errors.js'
import { VOBIZ_MANUAL } from './vobiz/manual.js'

/** What the management API is made of. */
export type ApiDeps = {
  readonly pool: pg.Pool
  readonly provision: Provision
  /** The account that creates accounts; `tokenHashes` are the SHA-256 of its tokens. Its row must exist. */
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
    bodies: {
      type: 'application/x-www-form-urlencoded',
      parse: (bytes) => ({ form: parseParameters(bytes.toString('latin1')) }),
    },
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

/** Vobiz's dialect: paths, methods and fields are those of its documents (https://docs.vobiz.ai/trunks/credentials). */
function createVobiz(deps: ApiDeps): Dialect {
  const credentials = createVobizOperations(deps)
  const account = '/api/v1/account/:auth_id'
  return {
    door: 'vobiz',
    prefix: '/api/v1/',
    canonicalPath,
    bodies: { type: 'application/json', parse: (bytes) => (bytes.length === 0 ? {} : { json: parseJson(bytes) }) },
    admit: createVobizAdmission({ pool: deps.pool, auth: createAccountAuth(deps) }),
    answerFailure: answerVobizFailure,
    manual: VOBIZ_MANUAL,
    routes: [
      ['POST', `${account}/credentials`, credentials.create],
      ['GET', `${account}/credentials`, credentials.list],
      ['GET', `${account}/trunks/credentials`, credentials.list],
      ['GET', `${account}/credentials/:credential_id`, credentials.fetch],
      ['PUT', `${account}/credentials/:credential_id`, credentials.update],
      ['DELETE', `${account}/credentials/:credential_id`, credentials.remove],
    ],
  }
}

/** Builds the management API. Whoever asked for it lets it listen, and closes it. */
export async function createApiServer(deps: ApiDeps): Promise<FastifyInstance> {
  const dialects: Dialects = [createTwilio(deps), createVobiz(deps)]
  const answerer = createAnswerer(dialects)
  const loggerInstance: FastifyBaseLogger = deps.log
  const app = fastify({ ...createServerOptions(answerer, dialects), loggerInstance })
  hardenServer(
    app,
    dialects.flatMap(({ routes }) => routes),
    answerer,
  )
  for (const dialect of dialects) await mountRoutes(app, dialect, deps.provision)
  return app
}
