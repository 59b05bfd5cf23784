import { randomBytes } from 'node:crypto'
import { computeHa1 } from '../../src/digest/ha1.js'
import { computeResponse } from '../../src/digest/response.js'
import type { Owner } from '../fixtures/process.js'
import { type Sipauthd, startSipauthd } from '../fixtures/sipauthd.js'

export const PASSWORD = 'Correct-Horse-7'

const MASTER = { sid: `AC${'0'.repeat(32)}`, token: 'master-token-of-the-test' }
const PROXY_TOKEN = 'proxy-token-of-the-test'

/** What all nodes of one test have in common; SIP is off, the lookup API stands in for every door. */
export const SHARED_ENV = {
  MASTER_ACCOUNT_SID: MASTER.sid,
  MASTER_AUTH_TOKEN: MASTER.token,
  PROXY_TOKEN,
  NONCE_SECRET: 'nonce-secret-of-the-test',
  SIP_PORT: 'off',
  // A test guesses wrong passwords more often than a phone may.
  THROTTLE_USER_FAILURES: '0',
  THROTTLE_SOURCE_FAILURES: '0',
  THROTTLE_RETRY_FAILURES: '0',
}

/** Whose credential a phone presents, and at which SIP domain. */
export type Login = {
  readonly realm: string
  readonly username: string
  readonly password?: string
  readonly domain?: string
}

/** One sipauthd in a process of its own, as operators and proxies use it. */
export type Node = NodeClient & { readonly process: Sipauthd }

/** What operators and proxies do with a node, wherever it runs. */
export type NodeClient = {
  /** Creates an account below the master. */
  createAccount(): Promise<string>
  setStatus(accountSid: string, status: 'active' | 'suspended'): Promise<void>
  /** Creates a list with a realm of its own, in the master account where no other is named. */
  createList(realm: string, accountSid?: string): Promise<List>
  /** Creates a SIP domain in the master account, where nobody may do anything yet. */
  createDomain(name: string): Promise<Domain>
  /** Lets the list's users register at the domain, or no longer. */
  mapRegistrations(domain: Domain, list: List): Promise<void>
  unmapRegistrations(domain: Domain, list: List): Promise<void>
  /** Resolves when the write is answered; rejects where it is refused. */
  createUser(list: List, username: string, password?: string): Promise<string>
  changePassword(list: List, sid: string, password: string): Promise<void>
  deleteUser(list: List, sid: string): Promise<void>
  deleteList(list: List): Promise<void>
  /** A nonce from a first challenge. */
  nonce(realm: string): Promise<string>
  /** The reason of the verdict on an Authorization that is made as a phone makes it. */
  present(login: Login, nonce: string, count?: number): Promise<string>
  /** Challenge and answer in one. */
  logIn(login: Login): Promise<string>
  /** The value of a metric, by its name and labels as they are written; NaN where there is none. */
  metric(name: string): Promise<number>
  /** The status of `/readyz`. */
  readiness(): Promise<number>
}

/** A credential list by its path. */
export type List = { readonly path: string }

/** A SIP domain by its path. */
export type Domain = { readonly path: string }

/** Starts a node; it ends with its test. */
export async function startNode(t: Owner, env: Readonly<Record<string, string>>): Promise<Node> {
  const process = await startSipauthd(t, { env: { ...SHARED_ENV, ...env } })
  return Object.assign(createNodeClient(process), { process })
}

/** Longest wait for an answer: a request that hangs fails its test. */
const ANSWER_MS = 30_000

/** A client of the node at these base URLs, with the tokens of `SHARED_ENV`. */
export function createNodeClient({ api: apiUrl, auth: authUrl }: Pick<Sipauthd, 'api' | 'auth'>): NodeClient {
  const accounts = '/2010-04-01/Accounts'

  async function api(method: string, path: string, form?: Record<string, string>): Promise<string> {
    const response = await fetch(apiUrl + path, {
      method,
      signal: AbortSignal.timeout(ANSWER_MS),
      headers: { authorization: `Basic ${Buffer.from(`${MASTER.sid}:${MASTER.token}`).toString('base64')}` },
      ...(form && { body: new URLSearchParams(form) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`)
    return text === '' ? '' : String(JSON.parse(text).sid)
  }

  async function verify(fields: Record<string, string>): Promise<{ reason: string; hdr?: string }> {
    const response = await fetch(`${authUrl}/v1/verify?http=200`, {
      method: 'POST',
      signal: AbortSignal.timeout(ANSWER_MS),
      headers: { authorization: `Bearer ${PROXY_TOKEN}` },
      body: new URLSearchParams({ method: 'REGISTER', ...fields }),
    })
    return (await response.json()) as { reason: string; hdr?: string }
  }

  const node: NodeClient = {
    createAccount: () => api('POST', `${accounts}.json`, { FriendlyName: 'a tenant' }),
    async setStatus(accountSid, Status) {
      await api('POST', `${accounts}/${accountSid}.json`, { Status })
    },
    async createList(realm, accountSid = MASTER.sid) {
      const lists = `${accounts}/${accountSid}/SIP/CredentialLists`
      return { path: `${lists}/${await api('POST', `${lists}.json`, { FriendlyName: realm, Realm: realm })}` }
    },
    async createDomain(DomainName) {
      const domains = `${accounts}/${MASTER.sid}/SIP/Domains`
      return { path: `${domains}/${await api('POST', `${domains}.json`, { DomainName })}` }
    },
    async mapRegistrations(domain, list) {
      await api('POST', `${registrations(domain)}.json`, { CredentialListSid: sidOf(list) })
    },
    async unmapRegistrations(domain, list) {
      await api('DELETE', `${registrations(domain)}/${sidOf(list)}.json`)
    },
    createUser: ({ path }, Username, Password = PASSWORD) =>
      api('POST', `${path}/Credentials.json`, { Username, Password }),
    async changePassword({ path }, sid, Password) {
      await api('POST', `${path}/Credentials/${sid}.json`, { Password })
    },
    async deleteUser({ path }, sid) {
      await api('DELETE', `${path}/Credentials/${sid}.json`)
    },
    async deleteList({ path }) {
      await api('DELETE', `${path}.json`)
    },
    async nonce(realm) {
      const { hdr = '', reason } = await verify({ realm })
      const [, nonce] = /nonce="([^"]+)"/.exec(hdr) ?? []
      if (nonce === undefined) throw new Error(`no challenge but ${reason}`)
      return nonce
    },
    present: async (login, nonce, count = 1) =>
      (
        await verify({
          ...{ realm: login.realm, authorization: authorization(login, nonce, count) },
          ...(login.domain && { domain: login.domain }),
        })
      ).reason,
    logIn: async (login) => node.present(login, await node.nonce(login.realm)),
    async metric(name) {
      const text = await (await fetch(`${authUrl}/metrics`)).text()
      const line = text.split('\n').find((each) => each.startsWith(`${name} `))
      return line === undefined ? Number.NaN : Number(line.slice(name.length + 1))
    },
    readiness: async () => (await fetch(`${authUrl}/readyz`)).status,
  }
  return node
}

function registrations({ path }: Domain): string {
  return `${path}/Auth/Registrations/CredentialListMappings`
}

function sidOf({ path }: List): string {
  return path.split('/').at(-1) ?? ''
}

function authorization({ realm, username, password = PASSWORD }: Login, nonce: string, count: number): string {
  const uri = `sip:${realm}`
  const [nc, cnonce] = [count.toString(16).padStart(8, '0'), randomBytes(8).toString('hex')]
  const ha1 = computeHa1('MD5', username, realm, password)
  const input = { algorithm: 'MD5', session: false, method: 'REGISTER', body: undefined, qop: 'auth' } as const
  const response = computeResponse({ ...input, ha1, nonce, uri, nc, cnonce })
  return (
    `Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", ` +
    `algorithm=MD5, qop=auth, nc=${nc}, cnonce="${cnonce}"`
  )
}
