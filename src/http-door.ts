import { createApiServer } from './api/server.js'
import type { Config } from './config.js'
import { DOCUMENTATION } from './documentation.js'
import { createHttpDoor, type LocalHttpDoor } from './doors.js'
import type { Engine } from './engine.js'
import type { Log } from './log.js'
import { createLookupServer } from './lookup/server.js'
import type { Metrics } from './metrics.js'
import { hashToken } from './provision/accounts.js'
import type { Secrets } from './secrets.js'
import type { Database } from './store/database.js'

/** Builds management and lookup API over the engine, as a door that is not open yet. */
export async function buildHttpDoor(deps: {
  readonly config: Config
  readonly database: Database
  readonly engine: Engine
  readonly secrets: Secrets
  readonly decoySecret: string
  readonly metrics: Metrics
  /** All metrics as text, where they are more than this process's own. */
  readonly scrape?: () => Promise<string>
  readonly log: Log
}): Promise<LocalHttpDoor & { beUnready(): void }> {
  const { config, engine, secrets, log } = deps
  let serving = false
  const api = await createApiServer({
    pool: deps.database.pool,
    provision: engine.provision,
    master: {
      sid: secrets.masterAccountSid,
      tokenHashes: secrets.masterAuthTokens.map((each) => hashToken(each.reveal())),
    },
    limits: { requestsPerSecond: config.API_RATE_LIMIT, failuresPerMinute: config.API_AUTH_FAILURES },
    trustedProxies: config.API_TRUSTED_PROXIES,
    log,
    documentation: DOCUMENTATION,
    // Of one secret, each use has a key of its own.
    instanceSecret: deps.decoySecret,
  })
  const lookup = await createLookupServer({
    authenticator: engine.checks.authenticator,
    ha1Lookup: engine.checks.ha1Lookup,
    async readiness() {
      const stores = Object.fromEntries([...engine.health.up].map(([store, up]) => [store, up ? 'up' : 'down']))
      return { ready: serving && (await engine.canAnswer()), stores }
    },
    metrics: deps.metrics,
    scrape: deps.scrape,
    proxyToken: secrets.proxyToken,
    ha1Token: secrets.ha1Token,
    log,
  })
  const door = createHttpDoor({ api, lookup })
  return {
    ...door,
    async open(config) {
      const bound = await door.open(config)
      serving = true
      return bound
    },
    async adopt() {
      const take = await door.adopt()
      serving = true
      return take
    },
    /** Says at `/readyz` that it is about to close; everything else goes on as before. */
    beUnready() {
      serving = false
    },
    close() {
      serving = false
      return door.close()
    },
  }
}
