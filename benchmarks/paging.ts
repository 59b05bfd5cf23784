import { listCredentials } from '../src/store/credentials.js'
import type { Queryable } from '../src/store/database.js'
import { basic, type RunningApi, startApi } from '../test/api/running-api.js'
import type { Row } from './report.js'
import { describePairs, inPairs, median, nsEach } from './rounds.js'

const CREDENTIALS = 1_000_000
const PAGE_SIZE = 1_000
const PAGES = CREDENTIALS / PAGE_SIZE
const ROUNDS = 120
/** Pages of a round: one alone takes as long as whatever the machine does beside. */
const PAGES_OF_ROUND = 3
const SEEDED_AT_ONCE = 50_000

/** The last page of a list of a million credentials beside its first, over HTTP, as a client pages through them. */
export async function benchmarkPaging(): Promise<Row> {
  const closers: (() => unknown)[] = []
  const api = await startApi({ teardown: (undo) => closers.push(undo) }, 'postgres')
  const list = await seed(api)
  await checkPlans(api, list)
  const first = `/2010-04-01/Accounts/${api.master.sid}/SIP/CredentialLists/${list}/Credentials.json?PageSize=${PAGE_SIZE}`
  const last = await findLast(api, first)
  const time = (path: string) => async () => {
    const times: number[] = []
    while (times.length < PAGES_OF_ROUND) times.push(await nsEach(1, () => fetchPage(api, path)))
    return median(times) / 1000
  }
  const { middleHalf, ...figures } = await inPairs(time(last), time(first), ROUNDS)
  for (const close of closers.reverse()) await close()
  return {
    what: `page ${PAGES} of a million credentials`,
    limitIs: 'page 1',
    unit: 'µs',
    target: { atMost: 1.1 },
    ...figures,
    note: describePairs({ ...figures, middleHalf }, ROUNDS),
  }
}

/** A list of a million credentials, written past the API; its SID. */
async function seed({ database: { pool }, master, provision }: RunningApi): Promise<string> {
  const { sid, realm } = await provision.credentialLists.create(master.sid, { friendlyName: 'a million' })
  for (let done = 0; done < CREDENTIALS; done += SEEDED_AT_ONCE) {
    await pool.query(
      `insert into credentials (sid, list_sid, account_sid, realm, username, ha1, version)
       select 'CR' || lpad(to_hex(n), 32, '0'), $1, $2, $3, 'user' || n, lpad(to_hex(n), 32, '0'), n
       from generate_series($4::int + 1, $4::int + $5::int) as n`,
      [sid, master.sid, realm, done, SEEDED_AT_ONCE],
    )
  }
  await pool.query('analyze credentials')
  return sid
}

/** Follows `next_page_uri` to the end; the path of the last page. */
async function findLast(api: RunningApi, first: string): Promise<string> {
  let [path, pages] = [first, 1]
  for (;;) {
    const { credentials, next_page_uri: next } = await fetchPage(api, path)
    if (credentials.length !== PAGE_SIZE) throw new Error(`page ${pages} has ${credentials.length} rows`)
    if (next === null) break
    path = next
    pages++
  }
  if (pages !== PAGES) throw new Error(`there are ${pages} pages, not ${PAGES}`)
  return path
}

async function fetchPage(api: RunningApi, path: string) {
  const response = await fetch(api.url + path, { headers: { authorization: basic(api.master) } })
  if (response.status !== 200) throw new Error(`${path} was answered ${response.status}`)
  return (await response.json()) as { credentials: unknown[]; next_page_uri: string | null }
}

/**
 * Throws unless every page is read in the order of an index, so that no row is read that is not on it: that of the list,
 * or that of all credentials where the list is nearly all there is.
 */
async function checkPlans({ database: { pool } }: RunningApi, list: string): Promise<void> {
  for (const position of [
    { kind: 'offset', rows: 0 },
    { kind: 'after', seq: '2000' },
    { kind: 'before', seq: '2000' },
  ] as const) {
    const plans: string[] = []
    const explaining = {
      async query(text: string, values: unknown[]) {
        const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values)
        plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'))
        return pool.query(text, values)
      },
    }
    await listCredentials(explaining as Queryable, list, position, PAGE_SIZE)
    const plan = plans.join('\n')
    const isInOrder = /Index Scan.* using credentials_(?:paging|seq_key)/.test(plan)
    if (!isInOrder || /Sort|Seq Scan|Bitmap/.test(plan)) throw new Error(plan)
  }
}
