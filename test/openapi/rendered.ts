import pg from 'pg'
import { createApiServer } from '../../src/api/server.js'
import { DOCUMENTATION } from '../../src/documentation.js'
import { createLog } from '../../src/log.js'
import { createProvision } from '../../src/provision.js'

/** The management API over a database that is never asked: its paths and its documentation. */
export async function createUnconnectedApi() {
  const pool = new pg.Pool()
  const publisher = { publish: async () => undefined }
  return createApiServer({
    pool,
    provision: createProvision({ pool, publisher, sipDomain: 'sip.test' }),
    master: { sid: '', tokenHashes: [Buffer.alloc(32)] },
    log: createLog('silent'),
    documentation: DOCUMENTATION,
    instanceSecret: '',
  })
}

/** The text of docs/openapi.json as the program's routes have it now. */
export async function renderDocument(): Promise<string> {
  const api = await createUnconnectedApi()
  const { body } = await api.inject('/docs/json')
  await api.close()
  return `${JSON.stringify(JSON.parse(body), undefined, 2)}\n`
}
