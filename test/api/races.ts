import type { Test } from 'tap'
import type { HttpAnswer } from '../fixtures/http.js'
import { type Asker, createAsker, type Names, PASSWORD } from './every-operation.js'
import type { RunningApi } from './running-api.js'

const AT_ONCE = 8

/** An account that can be asked for in both dialects. */
type Racer = {
  readonly sid: string
  /** POSTs below the account in Twilio's dialect: `CredentialLists.json`. */
  twilio(path: string, form: Names): Promise<HttpAnswer>
  /** Creates a credential in Vobiz's dialect. */
  vobiz(username: string): Promise<HttpAnswer>
  /** Creates in Twilio's dialect what must be there before the race, and answers its SID. */
  make(path: string, form: Names): Promise<string>
}

async function createRacer(api: RunningApi): Promise<Racer> {
  const { account, token } = await api.provision.accounts.create(api.master.sid, 'a racer')
  const actor = { sid: account.sid, authId: account.authId, token }
  const [form, json] = api.dialects.map((dialect) => createAsker(api.url, dialect, actor)) as [Asker, Asker]
  const twilio: Racer['twilio'] = (path, fields) =>
    form('POST', `/2010-04-01/Accounts/${account.sid}/SIP/${path}`, fields)
  return {
    ...{ sid: account.sid, twilio },
    vobiz: (username) =>
      json('POST', `/api/v1/account/${account.authId}/credentials`, { username, password: PASSWORD }),
    async make(path, fields) {
      const { status, text, json } = await twilio(path, fields)
      if (status !== 201) throw new Error(text)
      return (json as { sid: string }).sid
    },
  }
}

/** Both racers ask by turns, all at once. */
function byTurns(racers: readonly Racer[], ask: (racer: Racer, nth: number) => Promise<HttpAnswer>) {
  const turns = Array.from({ length: AT_ONCE }, (_, nth) => racers[nth % racers.length] as Racer)
  return Promise.all(turns.map(ask))
}

/** One is done, and all the others are refused in the words of their dialects. */
function oneWins(t: Test, answers: readonly HttpAnswer[], codes: readonly number[], done = 201): void {
  t.equal(answers.filter(({ status }) => status === done).length, 1, 'one wins')
  const refused = answers.filter(({ status }) => status !== done)
  t.equal(refused.length, AT_ONCE - 1)
  for (const { json, text } of refused) t.ok(codes.includes((json as { code: number }).code), text)
}

type Race = (t: Test, racers: readonly [Racer, Racer], api: RunningApi) => Promise<void>

async function countOf({ database }: RunningApi, sql: string, values: readonly string[]): Promise<number> {
  const { rows } = await database.pool.query<{ n: number }>(`select count(*)::int as n from ${sql}`, [...values])
  return rows[0]?.n ?? -1
}

const credentialsIn = (list: string) => `CredentialLists/${list}/Credentials.json`

const RACES: Readonly<Record<string, Race>> = {
  'a name of a credential list': async (t, [one], api) => {
    const answers = await byTurns([one], () => one.twilio('CredentialLists.json', { FriendlyName: 'race' }))
    oneWins(t, answers, [21240])
    t.equal(await countOf(api, 'credential_lists where account_sid = $1', [one.sid]), 1)
  },

  'a new name of a credential list': async (t, [one]) => {
    const names = Array.from({ length: AT_ONCE }, (_, nth) => `list ${nth}`)
    const sids = await Promise.all(names.map((FriendlyName) => one.make('CredentialLists.json', { FriendlyName })))
    const update = (nth: number) => one.twilio(`CredentialLists/${sids[nth]}.json`, { FriendlyName: 'renamed' })
    oneWins(t, await byTurns([one], (_, nth) => update(nth)), [21240], 200)
  },

  'a user name in two lists of one realm': async (t, [one], api) => {
    const lists = await Promise.all(
      ['a', 'b'].map((FriendlyName) =>
        one.make('CredentialLists.json', { FriendlyName, Realm: 'shared-users.example' }),
      ),
    )
    const form = { Username: 'alice', Password: PASSWORD }
    oneWins(t, await byTurns([one], (_, nth) => one.twilio(credentialsIn(lists[nth % 2] ?? ''), form)), [21243])
    t.equal(await countOf(api, "credentials where realm = 'shared-users.example'", []), 1)
  },

  "a user name in Vobiz's dialect": async (t, [one], api) => {
    oneWins(t, await byTurns([one], () => one.vobiz('alice')), [409])
    t.equal(await countOf(api, 'credential_lists where account_sid = $1', [one.sid]), 1)
  },

  'a user name in both dialects': async (t, [one], api) => {
    const FriendlyName = 'default'
    const list = await one.make('CredentialLists.json', { FriendlyName })
    const form = { Username: 'alice', Password: PASSWORD }
    const answers = await byTurns([one], (_, nth) =>
      nth % 2 === 0 ? one.vobiz('alice') : one.twilio(credentialsIn(list), form),
    )
    oneWins(t, answers, [409, 21243])
    t.equal(await countOf(api, 'credentials where account_sid = $1', [one.sid]), 1)
  },

  'the list named default': async (t, [one], api) => {
    const answers = await byTurns([one], (_, nth) =>
      nth === 4 ? one.twilio('CredentialLists.json', { FriendlyName: 'default' }) : one.vobiz(`user${nth}`),
    )
    const vobiz = answers.filter((_, nth) => nth !== 4)
    t.same([...new Set(vobiz.map(({ status }) => status))], [201], 'every credential is created')
    t.match(String(answers[4]?.status), /^(201|400)$/)
    t.equal(await countOf(api, 'credential_lists where account_sid = $1', [one.sid]), 1)
  },

  'a realm that two accounts want': async (t, racers, api) => {
    const answers = await byTurns(racers, (racer, nth) =>
      racer.twilio('CredentialLists.json', { FriendlyName: `list ${nth}`, Realm: 'wanted-realm.example' }),
    )
    const winners = answers.flatMap(({ status }, nth) => (status === 201 ? [nth % 2] : []))
    t.equal(winners.length, AT_ONCE / 2, 'one account has all of it')
    t.equal(new Set(winners).size, 1)
    t.equal(await countOf(api, "realms where realm = 'wanted-realm.example'", []), 1)
  },

  'a name of a domain that two accounts want': async (t, racers, api) => {
    const answers = await byTurns(racers, (racer) =>
      racer.twilio('Domains.json', { DomainName: 'wanted-domain.example' }),
    )
    oneWins(t, answers, [21232])
    t.equal(await countOf(api, "domains where domain_name = 'wanted-domain.example'", []), 1)
  },

  'a new name of a domain that two accounts want': async (t, racers) => {
    const sids = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, nth) =>
        (racers[nth % 2] as Racer).make('Domains.json', { DomainName: `old${nth}.renamed.example` }),
      ),
    )
    const answers = await byTurns(racers, (racer, nth) =>
      racer.twilio(`Domains/${sids[nth]}.json`, { DomainName: 'new.renamed.example' }),
    )
    oneWins(t, answers, [21232], 200)
  },

  'names that lie under each other': async (t, racers, api) => {
    for (let round = 0; round < 4; round++) {
      const above = `r${round}.nested-names.example`
      const answers = await byTurns(racers, (racer, nth) => {
        const name = nth % 2 === 0 ? above : `n${nth}.${above}`
        return nth % 4 < 2
          ? racer.twilio('Domains.json', { DomainName: name })
          : racer.twilio('CredentialLists.json', { FriendlyName: `${round} ${nth}`, Realm: name })
      })
      t.ok(answers.some(({ status }) => status === 201))
      // Realms may lie under each other; a domain and whatever lies above or under it are of one account.
      const strangers = await countOf(
        api,
        `domains d join (select account_sid, domain_name as name from domains
                         union select account_sid, realm from realms) o on o.account_sid <> d.account_sid
         where d.domain_name like '%' || $1 and (o.name = d.domain_name
           or o.name like '%.' || d.domain_name or d.domain_name like '%.' || o.name)`,
        [above],
      )
      t.equal(strangers, 0)
    }
  },

  'one mapping by two paths': async (t, [one], api) => {
    const CredentialListSid = await one.make('CredentialLists.json', { FriendlyName: 'phones' })
    const domain = await one.make('Domains.json', { DomainName: 'one-mapped.example' })
    const places = ['Auth/Calls/', '']
    const answers = await byTurns([one], (_, nth) =>
      one.twilio(`Domains/${domain}/${places[nth % 2]}CredentialListMappings.json`, { CredentialListSid }),
    )
    oneWins(t, answers, [21231])
    t.equal(await countOf(api, 'domain_credential_lists where domain_sid = $1', [domain]), 1)
  },
}

/** Of many that want one name at once exactly one gets it: in either dialect, across both, and across accounts. */
export async function testRaces(t: Test, api: RunningApi): Promise<void> {
  for (const [name, race] of Object.entries(RACES)) {
    await t.test(name, async (t) => race(t, [await createRacer(api), await createRacer(api)], api))
  }
}
