import type { AddressInfo } from 'node:net'
import { createLog } from '../../src/log.js'
import { createLookupServer, type LookupDeps } from '../../src/lookup/server.js'
import { Secret } from '../../src/secret.js'
import type { Rig } from '../auth/rig.js'
import type { Owner } from '../fixtures/process.js'
import { KNOWN_TOKENS } from '../fixtures/tenant.js'

/** Opens the lookup API over a rig's checks, for outages and other things that a whole server has not at hand. */
export async function openLookup(t: Owner, rig: Pick<Rig, 'checks' | 'metrics'>, deps: Partial<LookupDeps> = {}) {
  const server = await createLookupServer({
    ...rig.checks,
    readiness: async () => ({ ready: true, stores: {} }),
    metrics: rig.metrics,
    proxyToken: new Secret(KNOWN_TOKENS.PROXY_TOKEN),
    ha1Token: undefined,
    log: createLog('silent'),
    ...deps,
  })
  await server.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => server.close())
  return { server, url: `http://127.0.0.1:${(server.server.address() as AddressInfo).port}` }
}
