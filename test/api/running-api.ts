import { createHash } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import type twilio from 'twilio'
import type { Dialects } from '../../src/api/dialect.js'
import { createApiServer, createDialects } from '../../src/api/server.js'
import { DOCUMENTATION } from '../../src/documentation.js'
import { createProvision, type Provision } from '../../src/provision.js'
import { createSid, createToken } from '../../src/sid.js'
import type { Database } from '../../src/store/database.js'
import { openEmbedded } from '../../src/store/embedded.js'
import { readDecoySecret } from '../../src/store/instance.js'
import { migrate } from '../../src/store/migrate.js'
import type { Change } from '../../src/store/outbox.js'
import { openPostgres } from '../../src/store/postgres.js'
import { checkAnswer } from '../fixtures/documented.js'
import { embeddedFolder } from '../fixtures/embedded-folder.js'
import { type Postgres, startPostgres } from '../fixtures/postgres.js'
import type { Owner } from '../fixtures/process.js'
import { twilioClient } from '../fixtures/twilio-client.js'

/** Credentials of an account at the management API. */
export type Key = { sid: string; token: string }

/** A management API that listens, over a database of its own. */
export type RunningApi = {
  /** `http://127.0.0.1:port`, and the port. */
  url: string
  port: number
  master: Key
  provision: Provision
  /** Its dialects, with their routing tables. */
  dialects: Dialects
  database: Database
  /** The server behind the database, where there is one. */
  postgres: Postgres | undefined
  /** Every change that was published, and every line that was logged. */
  published: Change[]
  logged: string[]
  /** A request with an account's credentials (the master's by default); its answer must be as documented. */
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>
  /** A new account below the master. */
  createAccount(): Promise<Key>
  /** The official client, acting as the key's account. */
  client(key?: Key): twilio.Twilio
}

export type AskOptions = {
  /** `undefined` for the master's, null for none. */
  key?: Key | null
  form?: Record<string, string> | string | Buffer
  headers?: Record<string, string>
}

// biome-ignore lint/suspicious/noExplicitAny: what a server under test answers is anything at all
export type Answer = { status: number; headers: Headers; text: string; body: any }

/** The databases that the program runs on. */
export const DATABASES = {
  embedded: async () => ({
    database: await openEmbedded(await embeddedFolder(), pino({ level: 'silent' })),
    postgres: undefined,
  }),
  postgres: async (t: Owner) => {
    const postgres = await startPostgres(t)
    return { database: openPostgres(await postgres.createDatabase(), pino({ level: 'silent' })), postgres }
  },
} as const

/** Starts the management API; it ends with its test. */
export async function startApi(t: Owner, name: keyof typeof DATABASES = 'postgres'): Promise<RunningApi> {
  const { database, postgres } = await DATABASES[name](t)
  t.teardown(() => database.close())
  await migrate(database, pino({ level: 'silent' }))
  const logged: string[] = []
  const published: Change[] = []
  const { provision, app, master, dialects } = await createServer(database, logged, published)
  t.teardown(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return {
    ...{ url, port, master, provision, dialects, database, postgres, published, logged },
    ask: (method, path, options = {}) => ask(url, master, method, path, options),
    async createAccount() {
      const { account, token } = await provision.accounts.create(master.sid, 'a tenant')
      return { sid: account.sid, token }
    },
    client: (key = master) => twilioClient(url, key),
  }
}

async function createServer({ pool }: Database, logged: string[], published: Change[]) {
  const sink = new Writable({
    write(line, _encoding, done) {
      logged.push(String(line))
      done()
    },
  })
  const publisher = { publish: async (changes: readonly Change[]) => void published.push(...changes) }
  const provision = createProvision({ pool, publisher, sipDomain: 'sip.test' })
  const master = { sid: createSid('account'), token: createToken() }
  await provision.accounts.ensureMaster(master.sid)
  const tokenHashes = [createHash('sha256').update(master.token).digest()]
  const log = pino({ level: 'trace' }, sink)
  // Half past twelve at night, when an hour of twelve is easily got wrong.
  const now = () => Date.UTC(2026, 10, 19, 0, 30)
  const known = { sid: master.sid, tokenHashes }
  const instanceSecret = await readDecoySecret(pool)
  const deps = { pool, provision, master: known, log, documentation: DOCUMENTATION, instanceSecret, now }
  return { provision, app: await createApiServer(deps), master, dialects: createDialects(deps) }
}

/** The value of an Authorization header field of the Basic scheme. */
export function basic({ sid, token }: Key): string {
  return `Basic ${Buffer.from(`${sid}:${token}`).toString('base64')}`
}

function encodeForm(form: AskOptions['form']): string | Buffer | undefined {
  if (form === undefined || typeof form === 'string' || Buffer.isBuffer(form)) return form
  return new URLSearchParams(form).toString()
}

async function ask(
  url: string,
  master: Key,
  method: string,
  path: string,
  { key = master, form, headers = {} }: AskOptions,
): Promise<Answer> {
  const body = encodeForm(form)
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(key ? { authorization: basic(key) } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  })
  const text = await response.text()
  const contentType = response.headers.get('content-type')
  checkAnswer({ method, url: path, status: response.status, contentType, text }, 'management')
  const isJson = contentType?.startsWith('application/json') && text !== ''
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined }
}
