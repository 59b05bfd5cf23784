import { readConfig } from '../../src/config.js'
import { computeHa1 } from '../../src/digest/ha1.js'
import { createLog } from '../../src/log.js'
import { serve } from '../../src/main.js'
import { createNodeClient, type List, type NodeClient, SHARED_ENV } from '../e2e/node.js'
import type { Owner } from '../fixtures/process.js'
import { scratchFolder } from '../fixtures/scratch.js'
import { until } from '../fixtures/until.js'

/** Two nodes on the same stores, and the users that stand in their list. */
export type Site = {
  readonly nodes: readonly [NodeClient, NodeClient]
  readonly realm: string
  readonly list: List
  /** Passwords by user name: what was last acknowledged. */
  readonly passwords: Map<string, string>
  readonly sids: Map<string, string>
  /** The HA1 that Redis holds, '' for none. */
  readMirror(username: string): Promise<string>
}

const REALM = 'faults.example.com'

/** The whole program in this process: a fault of a store is the same to it, and it costs no start of a process. */
export async function startInProcess(t: Owner, env: Readonly<Record<string, string>>): Promise<NodeClient> {
  const DATA_DIR = await scratchFolder('data')
  const ports = { API_PORT: '0', AUTH_PORT: '0' }
  let printed = ''
  const running = await serve(
    readConfig({ ...SHARED_ENV, ...ports, DATA_DIR, ...env }),
    createLog('silent'),
    (text) => {
      printed += text
    },
    new AbortController().signal,
  )
  t.teardown(() => running.stop())
  const address = (name: string) => new RegExp(` ${name}=(\\S+?)/?(?:\\s|$)`).exec(printed)?.[1] ?? ''
  return createNodeClient({ api: address('api'), auth: address('auth') })
}

/** Starts the nodes, and waits until their mirror is complete. */
export async function openSite(
  t: Owner,
  env: Readonly<Record<string, string>>,
  cli: (...command: string[]) => Promise<string>,
): Promise<Site> {
  const nodes = [await startInProcess(t, env), await startInProcess(t, env)] as const
  const list = await nodes[0].createList(REALM)
  const site: Site = {
    ...{ nodes, realm: REALM, list },
    passwords: new Map(),
    sids: new Map(),
    readMirror: (username) => cli('HGET', `sipauth:cred:${REALM}:${username}`, 'ha1'),
  }
  await addUser(site, nodes[0], 'alice', 'Correct-Horse-7')
  await addUser(site, nodes[1], 'bob', 'Correct-Horse-0')
  await becomesWhole(site)
  return site
}

/** Creates a user; from the answer on the site knows the password. */
export async function addUser({ list, ...site }: Site, node: NodeClient, username: string, password: string) {
  site.sids.set(username, await node.createUser(list, username, password))
  site.passwords.set(username, password)
}

/** Waits until nothing is left of a fault: nodes ready, both stores up, the mirror complete and like the database. */
export async function becomesWhole({ nodes, passwords, realm, readMirror }: Site): Promise<void> {
  for (const node of nodes) {
    await until(async () => (await node.readiness()) === 200)
    for (const store of ['postgres', 'redis']) {
      await until(async () => (await node.metric(`sipauthd_store_up{store="${store}"}`)) === 1)
    }
    await until(async () => (await node.metric('sipauthd_outbox_pending')) === 0)
    await until(async () => (await node.metric('sipauthd_mirror_complete')) === 1)
  }
  for (const [username, password] of passwords) {
    await until(async () => (await readMirror(username)) === computeHa1('MD5', username, realm, password))
  }
}
