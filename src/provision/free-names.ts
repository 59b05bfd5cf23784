import { isOneLabel, liesUnder, namesAbove } from '../names.js'
import type { Queryable } from '../store/database.js'
import { isDomainInTheWay, isRealmInTheWay, lockNames, type NameSearch } from '../store/taken-names.js'

/** A host name that an account wants; `sipDomain` is the one that new accounts' realms lie under. All in lower case. */
export type WantedName = { readonly accountSid: string; readonly name: string; readonly sipDomain: string }

/**
 * Whether an account may have a domain of this name: no other account has a domain or a realm that is the same, lies
 * above it, or lies under it. Until the transaction ends nobody else takes a name.
 */
export async function isFreeForDomain(tx: Queryable, wanted: WantedName): Promise<boolean> {
  await lockNames(tx)
  const search = toSearch(wanted)
  return !(await isDomainInTheWay(tx, search)) && !(await isRealmInTheWay(tx, search))
}

/**
 * Whether an account may have this realm as far as other accounts' domains go; whether the very realm is another's shows
 * where it is claimed. Until the transaction ends nobody else takes a name.
 */
export async function isFreeForRealm(tx: Queryable, wanted: WantedName): Promise<boolean> {
  await lockNames(tx)
  return !(await isDomainInTheWay(tx, toSearch(wanted)))
}

/**
 * SIP_DOMAIN is common ground, where every account's own realm lies: whoever has it, or a name above it, has what lies
 * under it no more than anybody else. A name of one label, like `com`, has nothing under it for its account alone.
 */
function toSearch({ accountSid, name, sipDomain }: WantedName): NameSearch {
  const names = namesAbove(name).filter((each) => each === name || !isOneLabel(each))
  const onGround = liesUnder(name, sipDomain)
  const holdsGround = name === sipDomain || liesUnder(sipDomain, name)
  return {
    accountSid,
    names: onGround ? names.filter((each) => liesUnder(each, sipDomain)) : names,
    above: name,
    except: holdsGround ? sipDomain : undefined,
  }
}
