import type { Dialect } from '../../src/api/dialect.js'
import type { Route } from '../../src/api/operation.js'
import { ask, type HttpAnswer } from '../fixtures/http.js'

/** SIDs and ids of an account and of what it has, by the names that paths and forms have for them. */
export type Names = Readonly<Record<string, string>>

/** Who asks, in either dialect. */
export type Actor = { readonly sid: string; readonly authId: string; readonly token: string }

/** Asks in a dialect; the body is a form or a JSON object, as the dialect has it. */
export type Asker = (method: string, path: string, body?: Names) => Promise<HttpAnswer>

/** A client of one dialect, at the management API's base URL. */
export function createAsker(url: string, { door }: Pick<Dialect, 'door'>, actor: Actor): Asker {
  const basic = `Basic ${Buffer.from(`${actor.sid}:${actor.token}`).toString('base64')}`
  const headers: Names =
    door === 'twilio' ? { authorization: basic } : { 'x-auth-id': actor.authId, 'x-auth-token': actor.token }
  return (method, path, body) =>
    ask(url + path, { method, headers, ...(body && (door === 'twilio' ? { form: body } : { json: body })) })
}

/** The password that a credential is created with, and the one that it is changed to. */
export const PASSWORD = 'Correct-Horse-42'
export const CHANGED_PASSWORD = 'Another-Horse-43'

let made = 0

/** What creates one thing of a collection, and what changes it; each time another one. */
const BODIES: Readonly<Record<string, (names: Names, nth: number) => { create: Names; update?: Names }>> = {
  Accounts: (_, nth) => ({ create: { FriendlyName: `tenant ${nth}` }, update: { FriendlyName: `renamed ${nth}` } }),
  CredentialLists: (_, nth) => ({ create: { FriendlyName: `list ${nth}` }, update: { FriendlyName: `again ${nth}` } }),
  Credentials: (_, nth) => ({
    create: { Username: `user${nth}`, Password: PASSWORD },
    update: { Password: CHANGED_PASSWORD },
  }),
  credentials: (_, nth) => ({
    create: { username: `user${nth}`, password: PASSWORD },
    update: { password: CHANGED_PASSWORD },
  }),
  Domains: (_, nth) => ({ create: { DomainName: `d${nth}.example` }, update: { DomainName: `e${nth}.example` } }),
  CredentialListMappings: ({ CredentialListSid = '' }) => ({ create: { CredentialListSid } }),
  IpAccessControlLists: (_, nth) => ({ create: { FriendlyName: `ips ${nth}` }, update: { FriendlyName: 'office' } }),
  IpAccessControlListMappings: ({ IpAccessControlListSid = '' }) => ({ create: { IpAccessControlListSid } }),
  IpAddresses: () => ({
    create: { FriendlyName: 'gateway', IpAddress: '192.0.2.1' },
    update: { IpAddress: '192.0.2.2' },
  }),
}

/** The parameters of a path, in their order. */
export function parametersOf(path: string): string[] {
  return Array.from(path.matchAll(/:(\w+)/g), ([, name = '']) => name)
}

/** A path with its parameters filled in. */
export function fillIn(path: string, names: Names): string {
  return path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(names[name] ?? `no-${name}`))
}

/** Path of the collection that a route is of, without its ending. */
function collectionOf(path: string): string {
  return path.replace(/\.json$/, '').replace(/\/:\w+$/, '')
}

/** What a route that writes is sent; throws for a collection that nobody has told of here. */
export function bodyOf([method, path]: Route, names: Names): Names | undefined {
  if (method !== 'POST' && method !== 'PUT') return undefined
  const collection = collectionOf(path).split('/').at(-1) ?? ''
  const bodies = BODIES[collection]?.(names, ++made)
  const body = isCreation([method, path]) ? bodies?.create : bodies?.update
  if (!body) throw new Error(`there is no body for ${method} ${path}`)
  return body
}

function isCreation([method, path]: readonly [string, string, ...unknown[]]): boolean {
  return method === 'POST' && path.replace(/\.json$/, '') === collectionOf(path)
}

/** Mappings come when what they map is there, and go before it does. */
const isMapping = ([, path]: Route) => collectionOf(path).endsWith('Mappings')

/** One request for a route, and its answer. */
export type Exchange = { readonly route: Route; readonly answer: HttpAnswer }

/** Asks for routes, one after the other, and puts what is created among the names. */
async function perform(routes: readonly Route[], ask: Asker, names: Record<string, string>): Promise<Exchange[]> {
  const exchanges: Exchange[] = []
  for (const route of routes) {
    const [method, path] = route
    const answer = await ask(method, fillIn(path, names), bodyOf(route, names))
    exchanges.push({ route, answer })
    if (isCreation(route)) Object.assign(names, namesOf(path, answer))
  }
  return exchanges
}

/** The parameter by which the things of each collection are named. */
const PARAMETERS: Readonly<Record<string, string>> = {
  ...{ Accounts: 'AccountSid', CredentialLists: 'CredentialListSid', Credentials: 'CredentialSid' },
  ...{ Domains: 'DomainSid', IpAccessControlLists: 'IpAccessControlListSid', IpAddresses: 'IpAddressSid' },
  credentials: 'credential_id',
}

function namesOf(path: string, { json, status, text }: HttpAnswer): Names {
  const body = json as { sid?: string; id?: string; auth_id?: string } | undefined
  const name = PARAMETERS[collectionOf(path).split('/').at(-1) ?? '']
  const value = body?.sid ?? body?.id
  if (status !== 201 || value === undefined) throw new Error(`${path} was answered ${status}: ${text}`)
  return { ...(name && { [name]: value }), ...(body?.auth_id && { auth_id: body.auth_id }) }
}

/** Creates one thing of every kind that a dialect knows in the account that is named; answers the names of all. */
export async function furnish({ routes }: Pick<Dialect, 'routes'>, ask: Asker, account: Names): Promise<Names> {
  const names = { ...account }
  const creations = routes.filter((route) => isCreation(route) && parametersOf(route[1]).length > 0)
  // The older paths show the same mappings as those of calls.
  const mappings = creations.filter((route) => isMapping(route) && route[1].includes('/Auth/'))
  await perform([...creations.filter((route) => !isMapping(route)), ...mappings], ask, names)
  return names
}

/** Everything that a dialect can do, each route once, with what it creates itself, in an account of its own making. */
export async function performAll({ routes }: Pick<Dialect, 'routes'>, ask: Asker, account: Names): Promise<Exchange[]> {
  const names = { ...account }
  const isRemoval = ([method]: Route) => method === 'DELETE'
  const things = routes.filter((route) => !isMapping(route))
  const removals = things.filter(isRemoval).reverse()
  const uses = things.filter((route) => !isRemoval(route))
  return perform([...uses, ...routes.filter(isMapping), ...removals], ask, names)
}
