import t from 'tap'
import { createAuditSweep } from '../../src/audit-sweep.js'
import { runAccount } from '../../src/commands/account.js'
import { runAudit } from '../../src/commands/audit.js'
import type { Command } from '../../src/commands/command.js'
import { readConfig } from '../../src/config.js'
import { loadSecrets } from '../../src/secrets.js'
import { createSid } from '../../src/sid.js'
import { findTokenHolder } from '../../src/store/accounts.js'
import { appendAudit, deleteOldAudit } from '../../src/store/audit.js'
import { startPostgres } from '../fixtures/postgres.js'
import { scratchFolder } from '../fixtures/scratch.js'
import { KNOWN_TOKENS, MASTER } from '../fixtures/tenant.js'
import { until } from '../fixtures/until.js'
import { createStage, openStore, PASSWORD, SILENT, type Stage } from '../provision/stage.js'

const postgres = await startPostgres(t)
const DATABASE_URL = await postgres.createDatabase()
const database = await openStore(t, DATABASE_URL)
const DATA_DIR = await scratchFolder('data')
const configured = { ...KNOWN_TOKENS, DATABASE_URL, DATA_DIR }

/** What a command prints, in lines. */
async function linesOf(run: Command, args: readonly string[], env: Record<string, string> = configured) {
  let text = ''
  const print = (more: string) => {
    text += more
  }
  t.equal(await run({ config: readConfig(env), log: SILENT, args, print }), 0)
  return text.split('\n').filter(Boolean)
}

async function recordsOf(...args: string[]): Promise<Record<string, unknown>[]> {
  return (await linesOf(runAudit, ['--json', ...args])).map((line) => JSON.parse(line))
}

/** Lines of a thing of its own, `ages` days old. */
async function appendAged(stage: Stage, ages: readonly number[]): Promise<string> {
  const resourceSid = createSid('credential')
  const author = { actorSid: undefined, door: 'cli', requestId: undefined } as const
  for (const age of ages) {
    await appendAudit(database.pool, author, { accountSid: stage.accountSid, action: 'credential.update', resourceSid })
    await database.pool.query(
      `update audit set at = now() - $1::int * interval '1 day' - interval '1 minute'
       where id = (select max(id) from audit where resource_sid = $2)`,
      [age, resourceSid],
    )
  }
  return resourceSid
}

t.test('audit prints who changed what, newest first, a change a line', async (t) => {
  const stage = await createStage(t, database)
  const actorSid = createSid('account')
  const writes = stage.provision.by({ actorSid, door: 'vobiz', requestId: `RQ${'1'.repeat(32)}` })
  const input = { username: 'ann', password: PASSWORD }
  const { sid } = await writes.credentials.create(stage.accountSid, stage.listSid, input)
  await stage.provision.credentials.delete(stage.accountSid, stage.listSid, sid)
  const name = 'a\u001b[2Jb\u202ec\u009bd\u{e0001}'
  await stage.provision.accounts.update(stage.accountSid, { friendlyName: name })
  const { authId } = (await findTokenHolder(database.pool, stage.accountSid))?.account ?? { authId: '' }

  const lines = await linesOf(runAudit, ['--account', stage.accountSid])
  t.same(await linesOf(runAudit, [`--account=${authId}`]), lines, 'either name of the account will do')
  t.same(
    lines.map((line) => line.split(/ +/)[1]),
    ['account.update', 'credential.delete', 'credential.create', 'credential_list.create', 'account.create'],
  )
  const whose = `{"realm":"${stage.realm}","username":"ann","credentialListSid":"${stage.listSid}"`
  const request = `request=RQ${'1'.repeat(32)}`
  const [, detail = ''] = /(\{.*)$/.exec(lines[2] ?? '') ?? []
  t.match(
    lines[2],
    new RegExp(
      `^\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z credential\\.create +${sid} in=${stage.accountSid} by=${actorSid} door=vobiz ${request} \\{`,
    ),
  )
  t.same(JSON.parse(detail), { ...JSON.parse(`${whose}}`), enabled: true })
  t.match(lines[1], / by=- door=cli request=- /)
  t.match(lines[0], /\^?a\\u001b\[2Jb\\u202ec\\u009bd\\udb40\\udc01/, 'nothing that a terminal obeys')
  t.notMatch(lines.join(), PASSWORD)

  const [newest] = await recordsOf('--resource', sid)
  t.match(newest, {
    ...{ id: /^\d+$/, at: /Z$/, account_sid: stage.accountSid, actor_sid: null, door: 'cli', request_id: null },
    ...{ action: 'credential.delete', resource_sid: sid, detail: { username: 'ann', realm: stage.realm } },
  })
  const created = await recordsOf('--resource', sid, '--action', 'credential.create')
  t.match(created, [{ actor_sid: actorSid, door: 'vobiz', request_id: `RQ${'1'.repeat(32)}` }])
  t.equal(created.length, 1)
})

t.test('audit is limited by time and by number of lines, and reads a long trail to its end', async (t) => {
  const stage = await createStage(t, database)
  const resource = await appendAged(stage, [30, 20, 10, 0])
  const daysOf = async (...args: string[]) =>
    (await recordsOf('--resource', resource, ...args)).map(({ at }) =>
      Math.round((Date.now() - Date.parse(String(at))) / 86_400_000),
    )
  const date = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString()
  t.same(await daysOf(), [0, 10, 20, 30])
  t.same(await daysOf('--since', '25d'), [0, 10, 20])
  t.same(await daysOf('--until', '5d'), [10, 20, 30])
  t.same(await daysOf('--since', date(25), '--until', date(15)), [20])
  t.same(await daysOf('--since', date(25).slice(0, 10), '--until', `${date(15).slice(0, 16)}+00:00`), [20])
  t.same(await daysOf('--limit', '3'), [0, 10, 20])

  const long = createSid('credential')
  await database.pool.query(
    `insert into audit (account_sid, door, action, resource_sid, detail)
     select $1, 'cli', 'credential.update', $2, jsonb_build_object('n', n) from generate_series(1, 2500) as n`,
    [stage.accountSid, long],
  )
  const numbers = (records: readonly Record<string, unknown>[]) =>
    records.map(({ detail }) => (detail as { n: number }).n)
  const countDown = (from: number, lines: number) => Array.from({ length: lines }, (_, index) => from - index)
  t.same(numbers(await recordsOf('--resource', long)), countDown(2500, 100), 'a hundred where nothing is said')
  t.same(numbers(await recordsOf('--resource', long, '--limit=1001')), countDown(2500, 1001))
  t.same(numbers(await recordsOf('--resource', long, '--limit=0')), countDown(2500, 2500), 'page behind page')
})

t.test('what the audit trail has kept long enough is deleted, by any number of nodes at once', async (t) => {
  const stage = await createStage(t, database)
  const resource = await appendAged(stage, [112, 111, 110, 9, 0])
  const left = async () => (await recordsOf('--resource', resource)).length
  const forever = createAuditSweep({ pool: database.pool, days: 0, log: SILENT })
  forever.start()
  await forever.close()
  t.equal(await left(), 5, 'zero days are for ever')
  t.equal(await deleteOldAudit(database.pool, 100, 1), 1, 'the oldest first')
  t.equal(await left(), 4)
  const nodes = [1, 2, 3].map(() => createAuditSweep({ pool: database.pool, days: 100, log: SILENT }))
  for (const node of nodes) node.start()
  await until(async () => (await left()) === 2)
  await Promise.all(nodes.map((node) => node.close()))
  t.equal(await left(), 2, 'what is younger stays')
})

t.test('rotate-token prints the new token once, and the trail tells of it without', async (t) => {
  const { provision } = await createStage(t, database)
  await provision.accounts.ensureMaster(MASTER.sid)
  const { account } = await provision.accounts.create(MASTER.sid, 'to be rotated')
  const [printed = ''] = await linesOf(runAccount, ['rotate-token', account.sid])
  const { auth_token: token, ...rest } = JSON.parse(printed)
  t.match(token, /^[0-9a-f]{32}$/)
  t.match(rest, { sid: account.sid, previous_token_until: /Z$/ })
  const hours = (Date.parse(rest.previous_token_until) - Date.now()) / 3_600_000
  t.ok(hours > 23.9 && hours < 24.1, 'the one before is good for a day')
  const [trail] = await recordsOf('--resource', account.sid)
  t.match(trail, { action: 'account.rotate_token', door: 'cli', detail: { previousTokenUntil: /^\d{4}-/ } })
  const ended = JSON.parse((await linesOf(runAccount, ['rotate-token', account.sid, '--overlap', '0']))[0] ?? '')
  t.equal(ended.previous_token_until, null)
  const { rows } = await database.pool.query<{ all: string }>(
    'select coalesce(string_agg(a::text, $1), $1) as all from audit a',
    [' '],
  )
  for (const secret of [token, ended.auth_token, MASTER.token]) t.notMatch(rows[0]?.all, secret)
  const listed = await linesOf(runAccount, ['list'])
  t.notMatch(listed.join(), /token|hash/)
})

t.test("the master's token is rotated where the program keeps it, and by hand where it is set", async (t) => {
  const wrong = linesOf(runAccount, ['rotate-token', MASTER.sid])
  await t.rejects(wrong, { name: 'UsageError', message: /MASTER_AUTH_TOKEN=new,old/ })
  const { MASTER_AUTH_TOKEN: _, ...env } = configured
  const config = readConfig(env)
  const reveal = async () => (await loadSecrets(config)).secrets.masterAuthTokens.map((token) => token.reveal())
  const [first] = await reveal()
  const second = JSON.parse((await linesOf(runAccount, ['rotate-token', MASTER.sid], env))[0] ?? '')
  t.match(second, { sid: MASTER.sid, kept_in: /secrets\.env$/ })
  t.same(await reveal(), [second.auth_token, first])
  const third = JSON.parse((await linesOf(runAccount, ['rotate-token', MASTER.sid, '--overlap=0'], env))[0] ?? '')
  t.same(await reveal(), [third.auth_token])
  const trail = await recordsOf('--resource', MASTER.sid, '--action', 'account.rotate_token')
  t.equal(trail.length, 2)
})
