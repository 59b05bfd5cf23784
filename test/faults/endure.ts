import type { Test } from 'tap'
import { until, withinASecond } from '../fixtures/until.js'
import { type Phones, startPhones } from './phones.js'
import { addUser, becomesWhole, type Site } from './site.js'

/** What is done to a store, and what is promised while it lasts. */
export type Fault = {
  begin(): unknown
  end(): unknown
  /** What a right password comes to, at the latest when the disturbance that begins it is over. */
  readonly checks: 'ok' | 'unavailable'
  readonly writes: 'accepted' | 'refused' | 'either'
  /** Metrics that show it on every node, with the value that they come to or rise above. */
  readonly shownBy: Readonly<Record<string, number | 'rises'>>
  /** The status that `/readyz` comes to; 200 where it is left out. */
  readonly readiness?: 503
}

let round = 0

/**
 * Lets phones log in while a fault comes, lasts and goes, and credentials are written meanwhile. Nobody gets a wrong
 * answer at any time; what was acknowledged is in force at once, and in both stores when the fault is over.
 */
export async function endure(t: Test, site: Site, fault: Fault): Promise<void> {
  const { nodes } = site
  const phones = startPhones(site)
  const before = await readMetrics(site, fault)
  await fault.begin()
  try {
    for (const node of nodes) {
      await until(async () => (await logIn(site, node, 'alice')) === fault.checks)
      await until(async () => (await node.readiness()) === (fault.readiness ?? 200))
    }
    await until(async () => hasShown(before, await readMetrics(site, fault), fault))
    if (fault.writes === 'accepted') await write(t, site, fault)
    else if (fault.writes === 'refused')
      await t.rejects(nodes[0].createUser(site.list, `refused${++round}`, 'Correct-Horse-1'), /answered 503/)
  } finally {
    await fault.end()
  }
  await becomesWhole(site)
  for (const node of nodes) {
    for (const username of site.passwords.keys()) t.equal(await logIn(site, node, username), 'ok', username)
  }
  if (fault.writes !== 'accepted') {
    await until(() => nodes[0].createList(`again${round}.example.com`))
    await write(t, site, { ...fault, checks: 'ok' })
  }
  noneWrong(t, await phones.stop())
}

/** Nobody was given an answer that is not his, whatever failed. */
export function noneWrong(t: Test, { right, wrong, unknown }: Awaited<ReturnType<Phones['stop']>>): void {
  t.same(others(right, 'ok'), [], 'no right password is refused')
  t.same(others(wrong, 'bad_response'), [], 'no wrong one is accepted')
  t.same(others(unknown, 'unknown_user'), [], 'nobody is let in, or told from a wrong password')
}

/** Whatever but this and 503. */
function others(reasons: readonly string[], expected: string): readonly string[] {
  return reasons.filter((reason) => reason !== expected && reason !== 'unavailable')
}

/** A user is created and another one's password changes; both count on both nodes within a second. */
async function write(t: Test, site: Site, { checks }: Fault): Promise<void> {
  const [writer, other] = site.nodes
  const created = `user${++round}`
  await addUser(site, writer, created, 'Correct-Horse-2')
  const old = site.passwords.get('bob') ?? ''
  const changed = `Changed-Horse-${round}`
  await writer.changePassword(site.list, site.sids.get('bob') ?? '', changed)
  site.passwords.set('bob', changed)
  if (checks !== 'ok') return
  t.not(await logIn(site, writer, 'bob', old), 'ok', 'the old password is nobody’s when the change is answered')
  for (const node of [writer, other]) {
    await withinASecond(async () => (await logIn(site, node, 'bob')) === 'ok')
    await withinASecond(async () => (await logIn(site, node, 'bob', old)) !== 'ok')
    await withinASecond(async () => (await logIn(site, node, created)) === 'ok')
  }
}

async function logIn({ realm, passwords }: Site, node: Site['nodes'][number], username: string, password?: string) {
  const login = { realm, username, password: password ?? passwords.get(username) ?? '' }
  return node
    .logIn(login)
    .catch((error: Error) => (/no challenge but unavailable/.test(error.message) ? 'unavailable' : error.message))
}

async function readMetrics({ nodes }: Site, { shownBy }: Fault): Promise<Record<string, number>[]> {
  return Promise.all(
    nodes.map(async (node) =>
      Object.fromEntries(await Promise.all(Object.keys(shownBy).map(async (name) => [name, await node.metric(name)]))),
    ),
  )
}

function hasShown(before: Record<string, number>[], now: Record<string, number>[], { shownBy }: Fault): boolean {
  return now.every((values, node) =>
    Object.entries(shownBy).every(([name, value]) =>
      value === 'rises' ? (values[name] ?? 0) > (before[node]?.[name] ?? 0) : values[name] === value,
    ),
  )
}
