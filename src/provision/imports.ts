import type pg from 'pg'
import type { StoredHa1s } from '../credential.js'
import { Refusal } from '../errors.js'
import { createSid } from '../sid.js'
import { lockAccount } from '../store/accounts.js'
import { type AuditEntry, appendAudits } from '../store/audit.js'
import { type CredentialList, lockCredentialList } from '../store/credential-lists.js'
import { inTransaction } from '../store/database.js'
import {
  findPresentCredentials,
  type ImportedRow,
  type PresentCredential,
  writeImported,
} from '../store/imported-credentials.js'
import type { Change } from '../store/outbox.js'
import { lockRealm } from '../store/realms.js'
import { describeCredentialUpdate } from './audited-credential.js'
import { watchingOffer } from './realm-offer.js'
import type { Rehearsal } from './rehearsal.js'
import type { WriteDeps } from './write-deps.js'

/** A credential to be imported; what is undefined was not given, and is no difference to what is there. */
export type ImportInput = {
  readonly username: string
  readonly ha1s: StoredHa1s
  readonly enabled: boolean | undefined
  readonly description: string | undefined
}

/**
 * What became of one: `different` is there already with something else and was not to be replaced, `elsewhere` in
 * another list of the realm; neither was written.
 */
export type ImportOutcome = 'created' | 'updated' | 'unchanged' | 'different' | 'elsewhere'

/** The list that credentials are to go to; that of a rehearsal need not be there. */
export type ImportTarget = { readonly accountSid: string; readonly realm: string; readonly sid: string }

export type ImportProvision = ReturnType<typeof createImportProvision>

/** Writes of many credentials at once. Locks are taken in one order everywhere: account, list, realm. */
export function createImportProvision({ pool, publisher, author }: WriteDeps) {
  async function hold(tx: pg.PoolClient, { accountSid, sid, realm }: ImportTarget): Promise<CredentialList> {
    await lockAccount(tx, accountSid, 'share')
    const list = await lockCredentialList(tx, accountSid, sid, 'share')
    if (!list) throw new Refusal('not_found', 'CredentialListSid', 'names no credential list of this account')
    // HA1s are made with the realm, and a list may be given another while it is empty.
    if (list.realm !== realm) throw new Refusal('realm_fixed', 'Realm', 'of the list has been changed meanwhile')
    // Nobody writes a single name meanwhile, so no name is locked by itself.
    await lockRealm(tx, list.realm, 'update')
    return list
  }

  async function write(tx: pg.PoolClient, list: CredentialList, plan: Plan): Promise<Change[]> {
    if (plan.rows.length === 0) return []
    const { result, changes } = await watchingOffer(tx, list.realm, () => writeImported(tx, list, plan.rows))
    await appendAudits(tx, author, describeImport(list, plan))
    return [...result, ...changes]
  }

  return {
    /** What `run` would answer after all that was rehearsed before, without a lock and without a write. */
    async rehearse(
      target: ImportTarget,
      inputs: readonly ImportInput[],
      update: boolean,
      rehearsal: Rehearsal,
    ): Promise<ImportOutcome[]> {
      const names = inputs.map(({ username }) => username)
      const met = rehearsal.meet(target.realm, inputs, await findPresentCredentials(pool, target.realm, names))
      const marked = inputs.map((input) => rehearsal.mark(input))
      const { outcomes, rows } = planImport(target.sid, met, marked, update)
      rehearsal.write(target.realm, target.sid, rows)
      return outcomes
    },

    /**
     * Imports credentials into a list in one transaction, and answers what became of each, in order; `update` lets
     * them take the place of what is there. A list may hold any number of them. Answers when they are committed;
     * `published` resolves when they are mirrored too.
     */
    async run(
      target: ImportTarget,
      inputs: readonly ImportInput[],
      update: boolean,
    ): Promise<{ outcomes: ImportOutcome[]; published: Promise<void> }> {
      const { outcomes, changes } = await inTransaction(pool, async (tx) => {
        const list = await hold(tx, target)
        const names = inputs.map(({ username }) => username)
        const plan = planImport(list.sid, await findPresentCredentials(tx, list.realm, names), inputs, update)
        return { outcomes: plan.outcomes, changes: await write(tx, list, plan) }
      })
      return { outcomes, published: publisher.publish(changes) }
    },
  }
}

type Plan = {
  readonly outcomes: ImportOutcome[]
  readonly rows: readonly ImportedRow[]
  /** What the named users had before, as far as they were there. */
  readonly before: ReadonlyMap<string, PresentCredential>
}

/** Goes through the inputs in order; of two with one name, the later meets what the earlier has made. */
function planImport(
  listSid: string,
  present: ReadonlyMap<string, PresentCredential>,
  inputs: readonly ImportInput[],
  update: boolean,
): Plan {
  const rows = new Map<string, ImportedRow>()
  const outcomes = inputs.map((input): ImportOutcome => {
    const { username } = input
    const there = rows.get(username) ?? present.get(username)
    if (there === undefined) {
      const { enabled = true, description = '', ha1s } = input
      rows.set(username, { sid: createSid('credential'), username, enabled, description, ha1s })
      return 'created'
    }
    const listThere = present.get(username)?.listSid ?? listSid
    if (listThere !== listSid) return 'elsewhere'
    if (isSame(there, input)) return 'unchanged'
    if (!update) return 'different'
    rows.set(username, { sid: there.sid, ...merge(there, input) })
    return 'updated'
  })
  return { outcomes, rows: [...rows.values()], before: present }
}

/** Whether all that is given is there already. */
function isSame(there: Omit<PresentCredential, 'listSid'>, { ha1s, enabled, description }: ImportInput): boolean {
  const given = Object.entries(ha1s) as [keyof StoredHa1s, string][]
  return (
    given.every(([field, ha1]) => there.ha1s[field] === ha1) &&
    (enabled ?? there.enabled) === there.enabled &&
    (description ?? there.description) === there.description
  )
}

/** What was made with one password is not mixed with what was made with another. */
function merge(there: Omit<PresentCredential, 'listSid'>, input: ImportInput): Omit<ImportedRow, 'sid'> {
  const { username, ha1s, enabled = there.enabled, description = there.description } = input
  const kept = ha1s.ha1 === there.ha1s.ha1 ? there.ha1s : {}
  return { username, enabled, description, ha1s: { ...kept, ...ha1s } }
}

/**
 * A line of the trail for the batch, with the names of those who are new, and one for each credential that is another
 * now. Of what may be secret, or may say anything, only that it has changed.
 */
function describeImport({ accountSid, sid, realm }: CredentialList, { rows, outcomes, before }: Plan): AuditEntry[] {
  const action = 'credential.import'
  const usernames: { created: string[]; updated: string[] } = { created: [], updated: [] }
  const batch: AuditEntry = { accountSid, action, resourceSid: sid, detail: { ...count(outcomes), usernames } }
  const entries = [batch]
  for (const row of rows) {
    const { username } = row
    const there = before.get(username)
    usernames[there ? 'updated' : 'created'].push(username)
    if (there === undefined) continue
    const isAnother = JSON.stringify(sorted(there.ha1s)) !== JSON.stringify(sorted(row.ha1s))
    const update = describeCredentialUpdate({ ...there, realm }, { ...row, realm, listSid: sid })
    const detail = { ...update, ...(isAnother && { password: true }) }
    entries.push({ accountSid, action, resourceSid: there.sid, detail })
  }
  return entries
}

function sorted(ha1s: object): readonly unknown[] {
  return Object.entries(ha1s).sort()
}

function count(outcomes: readonly ImportOutcome[]): Readonly<Record<string, number>> {
  const of = (outcome: ImportOutcome) => outcomes.filter((each) => each === outcome).length
  return { created: of('created'), updated: of('updated') }
}
