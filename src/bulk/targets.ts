import { createHash } from 'node:crypto'
import type pg from 'pg'
import { Refusal } from '../errors.js'
import type { CredentialListProvision } from '../provision/credential-lists.js'
import type { ImportTarget } from '../provision/imports.js'
import { createSid, isSid } from '../sid.js'
import { findAccount } from '../store/accounts.js'
import { type CredentialList, findCredentialList, findCredentialListNamed } from '../store/credential-lists.js'
import type { Refused } from './candidate.js'

/** A list that rows go to, with its name. */
export type Target = ImportTarget & { readonly friendlyName: string }

/** Where a row says that it belongs; '' where it does not say. */
export type Place = { readonly account: string; readonly list: string; readonly realm: string }

/** The account and the list that the command line names; without an account it is the row's, or else the default. */
export type TargetChoice = {
  readonly account: string | undefined
  readonly defaultAccount: string
  readonly list: string | undefined
  readonly dryRun: boolean
}

/** Finds the list for a row, creating it where there is none; a dry run only finds out whether it could. */
export type Targets = { find(place: Place): Promise<Target | Refused> }

/** Longest name of a list, in characters. */
export const LIST_NAME_LENGTH_MAX = 64

/**
 * All credentials of a list have one realm, so rows of many realms go to many lists: that of the command line where
 * its realm is the row's, else the one that the row names, else one named after the realm. Rejects with a `Refusal`
 * where the command line names what is not there.
 */
export async function createTargets(deps: {
  readonly pool: pg.Pool
  readonly credentialLists: Pick<CredentialListProvision, 'create' | 'rehearse'>
  readonly choice: TargetChoice
}): Promise<Targets & { readonly home: CredentialList | undefined }> {
  const { pool, credentialLists, choice } = deps
  const { list } = choice
  const chosenAccount = choice.account ?? choice.defaultAccount
  if (!(await findAccount(pool, chosenAccount))) throw new Refusal('not_found', '--account', 'names no account')
  const home = list === undefined ? undefined : await findHome(pool, chosenAccount, list)
  let homeRealm = home?.realm
  const found = new Map<string, Promise<Target | Refused>>()
  const rehearsed = new RehearsedLists()

  function nameFor(place: Place): string {
    if (list === undefined) return place.list || nameAfter(place.realm)
    // A list that is not there yet gets the realm of the first row that goes to it.
    homeRealm ??= place.realm
    if (place.realm !== homeRealm) return nameAfter(place.realm)
    return home?.friendlyName ?? list
  }

  async function open(accountSid: string, friendlyName: string, realm: string): Promise<Target | Refused> {
    if (!(await findAccount(pool, accountSid))) return { refused: 'its account is not here: --account names another' }
    if ([...friendlyName].length > LIST_NAME_LENGTH_MAX) {
      return { refused: `the name of its list exceeds ${LIST_NAME_LENGTH_MAX} characters` }
    }
    const there =
      rehearsed.find(accountSid, friendlyName) ?? (await findCredentialListNamed(pool, accountSid, friendlyName))
    if (there && there.realm !== realm) return { refused: `the list ${JSON.stringify(friendlyName)} has another realm` }
    if (there) return { accountSid, realm, sid: there.sid, friendlyName }
    return create(accountSid, friendlyName, realm)
  }

  async function create(accountSid: string, friendlyName: string, realm: string): Promise<Target | Refused> {
    const input = { friendlyName, realm }
    try {
      if (choice.dryRun) {
        await credentialLists.rehearse(accountSid, input, Number.POSITIVE_INFINITY)
        return rehearsed.add(accountSid, friendlyName, realm)
      }
      const { sid } = await credentialLists.create(accountSid, input, Number.POSITIVE_INFINITY)
      return { accountSid, realm, sid, friendlyName }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      // Another import has made it meanwhile.
      if (error.code === 'friendly_name_taken') return open(accountSid, friendlyName, realm)
      return { refused: `its ${error.field.toLowerCase()} ${error.rule}` }
    }
  }

  return {
    home,
    find(place) {
      const accountSid = choice.account ?? (place.account || choice.defaultAccount)
      const name = nameFor(place)
      const key = JSON.stringify([accountSid, name, place.realm])
      const target = found.get(key) ?? open(accountSid, name, place.realm)
      found.set(key, target)
      return target
    },
  }
}

/** Lists that a dry run would have created, and whose their realms would be. */
class RehearsedLists {
  readonly #lists = new Map<string, Target>()
  readonly #owners = new Map<string, string>()

  find(accountSid: string, friendlyName: string): Target | undefined {
    return this.#lists.get(`${accountSid} ${friendlyName}`)
  }

  /** Takes a list for created, unless its realm would be another account's by then. */
  add(accountSid: string, friendlyName: string, realm: string): Target {
    const owner = this.#owners.get(realm) ?? accountSid
    if (owner !== accountSid) throw new Refusal('realm_taken', 'Realm', 'belongs to another account')
    this.#owners.set(realm, owner)
    const list = { accountSid, friendlyName, realm, sid: createSid('credentialList') }
    this.#lists.set(`${accountSid} ${friendlyName}`, list)
    return list
  }
}

async function findHome(pool: pg.Pool, accountSid: string, list: string): Promise<CredentialList | undefined> {
  if (!isSid('credentialList', list)) return findCredentialListNamed(pool, accountSid, list)
  const home = await findCredentialList(pool, accountSid, list)
  if (!home) throw new Refusal('not_found', '--list', 'names no credential list of the account')
  return home
}

/** A list's name after its realm, which may be longer than a name. */
function nameAfter(realm: string): string {
  if (realm.length <= LIST_NAME_LENGTH_MAX) return realm
  const mark = createHash('sha256').update(realm).digest('hex').slice(0, 16)
  return `${realm.slice(0, LIST_NAME_LENGTH_MAX - mark.length - 1)}-${mark}`
}
