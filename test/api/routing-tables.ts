import pg from 'pg'
import { pino } from 'pino'
import type { Dialects } from '../../src/api/dialect.js'
import { createDialects } from '../../src/api/server.js'
import { DOCUMENTATION } from '../../src/documentation.js'
import { createProvision } from '../../src/provision.js'
import { createSid } from '../../src/sid.js'

/** Both dialects with all their routes, for a test of a server in another process; nothing is asked of them here. */
export function routingTables(): Dialects {
  const pool = new pg.Pool()
  const provision = createProvision({ pool, publisher: { publish: async () => undefined }, sipDomain: 'sip.test' })
  const master = { sid: createSid('account'), tokenHashes: [] }
  return createDialects({
    documentation: DOCUMENTATION,
    instanceSecret: '',
    pool,
    provision,
    master,
    log: pino({ level: 'silent' }),
  })
}
