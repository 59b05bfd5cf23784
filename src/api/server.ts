import { type FastifyBaseLogger, type FastifyInstance, fastify } from 'fastify'
import type pg from 'pg'
import type { Log } from '../log.js'
import type { DocumentedDoor } from '../openapi/door.js'
import type { Provision } from '../provision.js'
import { createAccountAuth, type Master } from './account-auth.js'
import { createActorQueue } from './actor-queue.js'
import { createAnswerer } from './answerer.js'
import type { Dialect, Dialects } from './dialect.js'
import { DOCS_ROUTES, mountDocs } from './docs.js'
import { documentDialect } from './documented-dialect.js'
import { createServerOptions, hardenServer } from './hardening.js'
import { parseJson } from './json.js'
import { createPageTokens } from './page-tokens.js'
import { parseParameters } from './parameters.js'
import { createRateLimiter, type RateLimits } from './rate-limits.js'
import { mountRoutes } from './routing.js'
import { createAccountOperations } from './twilio/accounts.js'
import { createTwilioAdmission } from './twilio/admission.js'
import { createCredentialListMappingOperations } from './twilio/credential-list-mappings.js'
import { createCredentialListOperations } from './twilio/credential-lists.js'
import { createCredentialOperations } from './twilio/credentials.js'
import { createDomainOperations } from './twilio/domains.js'
import { answerTwilioFailure } from './twilio/errors.js'
import { createIpListMappingOperations } from './twilio/ip-access-control-list-mappings.js'
import { createIpAccessControlListOperations } from './twilio/ip-access-control-lists.js'
import { createIpAddressOperations } from './twilio/ip-addresses.js'
import { TWILIO_MANUAL } from './twilio/manual.js'
import { createVobizAdmission } from './vobiz/admission.js'
import { canonicalPath } from './vobiz/canonical-path.js'
import { createCredentialOperations as createVobizOperations } from './vobiz/credentials.js'
import { answerVobizFailure } from './vobiz/errors.js'
import { VOBIZ_MANUAL } from './vobiz/manual.js'

/** What the documentation tells of beside the dialects. */
export type Documentation = {
  /** The program's. */
  readonly version: string
  /** The APIs at other addresses. */
  readonly others: readonly DocumentedDoor[]
}

/** What the management API is made of. */
export type ApiDeps = {
  readonly pool: pg.Pool
  readonly provision: Provision
  /** The account that creates accounts; `tokenHashes` are the SHA-256 of its tokens. Its row must exist. */
  readonly master: Master
  readonly log: Log
  /** The same on every node, and after every start: page tokens are sealed with it. */
  readonly instanceSecret: string
  /** How much is let in; everything where it is left out. */
  readonly limits?: RateLimits | undefined
  /** Addresses and networks of proxies in front, whose X-Forwarded-For names where a request comes from. */
  readonly trustedProxies?: readonly string[] | undefined
  readonly documentation: Documentation
  /** Milliseconds since the epoch; the system's clock where it is left out. */
  readonly now?: (() => number) | undefined
}

const NO_LIMITS: RateLimits = { requestsPerSecond: 0, failuresPerMinute: 0 }

/** Twilio's dialect: paths, methods and parameters are those of its published API, version 2010-04-01. */
function createTwilio({ now = Date.now, ...deps }: ApiDeps): Dialect {
  const accounts = createAccountOperations({ ...deps, now })
  const lists = createCredentialListOperations(deps)
  const credentials = createCredentialOperations(deps)
  const domains = createDomainOperations(deps)
  const listMappings = createCredentialListMappingOperations(deps)
  const ipListMappings = createIpListMappingOperations(deps)
  const ipLists = createIpAccessControlListOperations(deps)
  const ipAddresses = createIpAddressOperations(deps)
  const all = '/2010-04-01/Accounts'
  const sip = `${all}/:AccountSid/SIP`
  const inList = `${sip}/CredentialLists/:CredentialListSid`
  const inDomain = `${sip}/Domains/:DomainSid`
  const [calls, registrations] = [`${inDomain}/Auth/Calls`, `${inDomain}/Auth/Registrations`]
  const inIpList = `${sip}/IpAccessControlLists/:IpAccessControlListSid`
  return {
    door: 'twilio',
    prefix: '/2010-04-01/',
    bodies: {
      type: 'application/x-www-form-urlencoded',
      parse: (bytes) => ({ form: parseParameters(bytes.toString('latin1')) }),
    },
    admission: createTwilioAdmission(createAccountAuth(deps)),
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

      ['POST', `${sip}/Domains.json`, domains.create],
      ['GET', `${sip}/Domains.json`, domains.list],
      ['GET', `${inDomain}.json`, domains.fetch],
      ['POST', `${inDomain}.json`, domains.update],
      ['DELETE', `${inDomain}.json`, domains.remove],

      ['POST', `${calls}/CredentialListMappings.json`, listMappings.calls.create],
      ['GET', `${calls}/CredentialListMappings.json`, listMappings.calls.list],
      ['GET', `${calls}/CredentialListMappings/:CredentialListSid.json`, listMappings.calls.fetch],
      ['DELETE', `${calls}/CredentialListMappings/:CredentialListSid.json`, listMappings.calls.remove],

      ['POST', `${calls}/IpAccessControlListMappings.json`, ipListMappings.calls.create],
      ['GET', `${calls}/IpAccessControlListMappings.json`, ipListMappings.calls.list],
      ['GET', `${calls}/IpAccessControlListMappings/:IpAccessControlListSid.json`, ipListMappings.calls.fetch],
      ['DELETE', `${calls}/IpAccessControlListMappings/:IpAccessControlListSid.json`, ipListMappings.calls.remove],

      ['POST', `${registrations}/CredentialListMappings.json`, listMappings.registrations.create],
      ['GET', `${registrations}/CredentialListMappings.json`, listMappings.registrations.list],
      ['GET', `${registrations}/CredentialListMappings/:CredentialListSid.json`, listMappings.registrations.fetch],
      ['DELETE', `${registrations}/CredentialListMappings/:CredentialListSid.json`, listMappings.registrations.remove],

      ['POST', `${inDomain}/CredentialListMappings.json`, listMappings.older.create],
      ['GET', `${inDomain}/CredentialListMappings.json`, listMappings.older.list],
      ['GET', `${inDomain}/CredentialListMappings/:CredentialListSid.json`, listMappings.older.fetch],
      ['DELETE', `${inDomain}/CredentialListMappings/:CredentialListSid.json`, listMappings.older.remove],

      ['POST', `${inDomain}/IpAccessControlListMappings.json`, ipListMappings.older.create],
      ['GET', `${inDomain}/IpAccessControlListMappings.json`, ipListMappings.older.list],
      ['GET', `${inDomain}/IpAccessControlListMappings/:IpAccessControlListSid.json`, ipListMappings.older.fetch],
      ['DELETE', `${inDomain}/IpAccessControlListMappings/:IpAccessControlListSid.json`, ipListMappings.older.remove],

      ['POST', `${sip}/IpAccessControlLists.json`, ipLists.create],
      ['GET', `${sip}/IpAccessControlLists.json`, ipLists.list],
      ['GET', `${inIpList}.json`, ipLists.fetch],
      ['POST', `${inIpList}.json`, ipLists.update],
      ['DELETE', `${inIpList}.json`, ipLists.remove],

      ['POST', `${inIpList}/IpAddresses.json`, ipAddresses.create],
      ['GET', `${inIpList}/IpAddresses.json`, ipAddresses.list],
      ['GET', `${inIpList}/IpAddresses/:IpAddressSid.json`, ipAddresses.fetch],
      ['POST', `${inIpList}/IpAddresses/:IpAddressSid.json`, ipAddresses.update],
      ['DELETE', `${inIpList}/IpAddresses/:IpAddressSid.json`, ipAddresses.remove],
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
    admission: createVobizAdmission({ pool: deps.pool, auth: createAccountAuth(deps) }),
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

/** Both dialects, with all their routes. */
export function createDialects(deps: ApiDeps): Dialects {
  return [createTwilio(deps), createVobiz(deps)]
}

/** Builds the management API. Whoever asked for it lets it listen, and closes it. */
export async function createApiServer(deps: ApiDeps): Promise<FastifyInstance> {
  const dialects = createDialects(deps)
  const answerer = createAnswerer({ dialects, log: deps.log })
  const loggerInstance: FastifyBaseLogger = deps.log
  const trustProxy = deps.trustedProxies && deps.trustedProxies.length > 0 ? [...deps.trustedProxies] : false
  const app = fastify({ ...createServerOptions(answerer, dialects), trustProxy, loggerInstance })
  await hardenServer(app, [...dialects.flatMap(({ routes }) => routes), ...DOCS_ROUTES], answerer)
  const { provision, limits = NO_LIMITS } = deps
  const limiter = await createRateLimiter(app, limits)
  const pageTokens = createPageTokens(deps.instanceSecret)
  const routing = { provision, limiter, queue: createActorQueue(), pageTokens }
  for (const dialect of dialects) await mountRoutes(app, dialect, routing)
  const { version, others } = deps.documentation
  mountDocs(app, { version, doors: [...dialects.map(documentDialect), ...others], limiter })
  return app
}
