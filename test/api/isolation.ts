import type { Test } from 'tap'
import type { Route } from '../../src/api/operation.js'
import {
  type Actor,
  type Asker,
  bodyOf,
  createAsker,
  fillIn,
  furnish,
  type Names,
  parametersOf,
} from './every-operation.js'
import type { RunningApi } from './running-api.js'

/** An account with one thing of every kind, in the words of each dialect. */
type Household = { readonly actor: Actor; readonly names: Names }

async function createHousehold(api: RunningApi): Promise<Household> {
  const { account, token } = await api.provision.accounts.create(api.master.sid, 'a tenant')
  const actor = { sid: account.sid, authId: account.authId, token }
  let names: Names = { AccountSid: account.sid, auth_id: account.authId }
  for (const dialect of api.dialects) names = await furnish(dialect, createAsker(api.url, dialect, actor), names)
  return { actor, names }
}

/** Names of the same form that nothing has. */
function missing(names: Names): Names {
  return Object.fromEntries(
    Object.entries(names).map(([name, value]) => [
      name,
      value.startsWith('MA_') ? `MA_${'Q'.repeat(20)}` : value.replaceAll(/[0-9a-f](?=[0-9a-f-]*$)/g, '0'),
    ]),
  )
}

/** Every way of putting a stranger's names into a request, one at least. */
function mixesOf(parameters: readonly string[]): string[][] {
  return Array.from({ length: 2 ** parameters.length - 1 }, (_, mix) =>
    parameters.filter((_, place) => ((mix + 1) >> place) & 1),
  )
}

const pick = (names: Names, chosen: readonly string[]): Names =>
  Object.fromEntries(chosen.map((name) => [name, names[name] ?? '']))

/** An answer without what the request itself named. */
const unnamed = (text: string): string =>
  text.replaceAll(/\b[A-Z]{2}[0-9a-f]{32}\b|\bMA_[A-Z0-9]{20}\b|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '…')

/** All that the database holds, as text. */
async function contents({ database: { pool } }: RunningApi): Promise<Record<string, unknown>> {
  const { rows } = await pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public' order by 1`,
  )
  const tables: [string, unknown][] = []
  for (const { name } of rows) {
    const { rows } = await pool.query<{ row: string }>(`select to_jsonb(x)::text as row from ${name} x order by 1`)
    tables.push([name, rows.map(({ row }) => row)])
  }
  return Object.fromEntries(tables)
}

/** Asks for a route under one's own account with some of another's names in it, and with names that nobody has. */
async function tryRoute(t: Test, route: Route, ask: Asker, own: Names, theirs: Names): Promise<void> {
  const [method, path] = route
  const inPath = parametersOf(path)
  const inBody = Object.keys(bodyOf(route, own) ?? {}).filter((name) => name in theirs)
  for (const mix of mixesOf([...inPath, ...inBody])) {
    const what = `${method} ${path} with their ${mix.join(', ')}`
    const isInPath = (name: string) => inPath.includes(name)
    const isInBody = (name: string) => inBody.includes(name)
    const send = (strange: Names) => {
      // A path names what lies in the account; a form refers to more of it.
      const body = bodyOf(route, inBody.length > 0 ? { ...own, ...pick(strange, mix.filter(isInBody)) } : own)
      return ask(method, fillIn(path, { ...own, ...pick(strange, mix.filter(isInPath)) }), body)
    }
    const [got, none] = [await send(theirs), await send(missing(theirs))]
    t.equal(got.status, 404, what)
    t.equal(unnamed(got.text), unnamed(none.text), `${what}: it is not told from what nobody has`)
  }
}

/** No account reaches anything of another's, by any route there is; driven by the routing tables themselves. */
export async function testIsolation(t: Test, api: RunningApi): Promise<void> {
  const [ann, bob] = [await createHousehold(api), await createHousehold(api)]
  const before = await contents(api)
  for (const dialect of api.dialects) {
    const ask = createAsker(api.url, dialect, ann.actor)
    for (const route of dialect.routes) await tryRoute(t, route, ask, ann.names, bob.names)
  }
  t.strictSame(await contents(api), before, 'and nothing at all has changed')
  for (const [one, other] of [
    [ann, bob],
    [bob, ann],
  ] as const) {
    for (const dialect of api.dialects) {
      const ask = createAsker(api.url, dialect, one.actor)
      for (const [method, path] of dialect.routes.filter(([method]) => method === 'GET')) {
        const { status, text } = await ask(method, fillIn(path, one.names))
        t.equal(status, 200, `${path} is there for whom it belongs to`)
        const seen = Object.entries(other.names).filter(([, value]) => text.includes(value))
        t.same(seen, [], `${path} shows nothing of the other's`)
      }
    }
  }
}
