import t from 'tap'
import { createSubjects } from '../../src/auth/attempt.js'
import type { Kind, Rule } from '../../src/auth/failure-record.js'
import { runBan } from '../../src/commands/ban.js'
import { UsageError } from '../../src/commands/command.js'
import { readConfig } from '../../src/config.js'
import { Unavailable } from '../../src/errors.js'
import { createRedisFailureRecord } from '../../src/redis/failure-record.js'
import { startRedis } from '../fixtures/redis.js'
import { runSipauthd } from '../fixtures/sipauthd.js'
import { openRedis, SILENT } from '../provision/stage.js'

const server = await startRedis(t)
const redis = await openRedis(t, server.url)
const record = createRedisFailureRecord({ redis, now: Date.now })
const REALM = 'pbx.example.com'
t.beforeEach(() => redis.flushall())

/** Runs the command in this process; resolves with its exit code and what it printed. */
async function run(...args: string[]): Promise<readonly [code: number, printed: string]> {
  const printed: string[] = []
  const print = (text: string) => printed.push(text)
  const code = await runBan({ config: readConfig({ REDIS_URL: server.url }), log: SILENT, args, print })
  return [code, printed.join('')]
}

/** Likewise, where it ends with 0. */
async function ban(...args: string[]): Promise<string> {
  const [code, printed] = await run(...args)
  if (code !== 0) throw new Error(`exit code ${code}`)
  return printed
}

/** Bans a user from an address, or an address, for so many seconds. */
async function impose(kind: Kind, sourceIp: string, username = 'alice', seconds = 60): Promise<void> {
  const subjects = createSubjects()({ sourceIp, username, realm: REALM })
  if (!subjects) throw new Error('there is no address')
  const limits = [{ kind, failures: 1, windowMs: 60_000, lasting: kind === 'retry' }]
  const rule: Rule = { limits, banMs: seconds * 1_000, banMaxMs: 3_600_000 }
  await record.countFailure(kind === 'source' ? subjects.source : subjects.pair, rule)
}

const subjectsLeft = async () => (await redis.keys('sipauth:*')).map((key) => key.replace(/^sipauth:/, '')).sort()

t.test('ban list tells who is banned, why, and for how long, those that end first at the top', async (t) => {
  t.equal(await ban('list'), '0 bans\n')
  await impose('retry', '192.0.2.1', 'alice', 3_000)
  await impose('source', '2001:DB8:0:0:1::9')
  await impose('user', '192.0.2.2', 'no such"user', 120)
  const lines = (await ban('list')).split('\n')
  t.match(lines, [
    /^2001:db8::\/64 kind=source ends=(?:60|5\d)s bans=1$/,
    /^192\.0\.2\.2 kind=user ends=1[12]\ds bans=1 user=- realm=pbx\.example\.com$/,
    /^192\.0\.2\.1 kind=retry ends=(?:3000|29\d\d)s bans=1 user=alice realm=pbx\.example\.com$/,
    '3 bans',
    '',
  ])
  const json = (await ban('list', '--json')).trimEnd().split('\n')
  const bans = json.map((line) => JSON.parse(line) as { source: string; until: string; seconds_left: number })
  t.match(bans, [
    { source: '2001:db8::/64', realm: null, username: null, kind: 'source', bans: 1 },
    { source: '192.0.2.2', realm: REALM, username: '', kind: 'user' },
    { source: '192.0.2.1', realm: REALM, username: 'alice', kind: 'retry' },
  ])
  for (const each of bans) t.ok(Math.abs(Date.parse(each.until) - Date.now() - each.seconds_left * 1_000) < 10_000)
})

t.test('ban lift of an address forgets it and the users behind it, in any spelling, and no other', async (t) => {
  await impose('source', '2001:db8::1')
  await impose('user', '2001:db8::2', 'alice')
  await impose('user', '2001:db8:0:1::2', 'bob')
  await impose('user', '192.0.2.1')
  await impose('user', '192.0.2.11')
  t.equal(await ban('lift', '2001:0DB8:0000::ffff'), '2 bans lifted, and the failures forgotten\n')
  t.equal(await ban('lift', '2001:db8:0:1::/64'), '1 ban lifted, and the failures forgotten\n')
  t.equal(await ban('lift', '192.0.2.1'), '1 ban lifted, and the failures forgotten\n')
  t.same(await subjectsLeft(), [`ban:{192.0.2.11|${REALM}|alice}`, `failures:{192.0.2.11|${REALM}|alice}`])
  const nobody = 'neither 192.0.2.1 nor anybody behind it is banned; failures, if there were any, are forgotten\n'
  t.same(await run('lift', '192.0.2.1'), [1, nobody])
})

t.test(
  'ban lift of a user from an address leaves the others, and says where the address itself is banned',
  async (t) => {
    for (const username of ['alice', 'bob']) await impose('user', '192.0.2.1', username)
    const user = ['--user', `alice@${REALM}`, '--realm', REALM.toUpperCase()]
    t.equal(await ban('lift', '192.0.2.1', ...user), '1 ban lifted, and the failures forgotten\n')
    t.same(await subjectsLeft(), [`ban:{192.0.2.1|${REALM}|bob}`, `failures:{192.0.2.1|${REALM}|bob}`])
    await impose('source', '192.0.2.1')
    t.match(await run('lift', '192.0.2.1', ...user), [
      1,
      /^user=alice@\S+ realm=\S+ is not banned from 192\.0\.2\.1; .*\n192\.0\.2\.1 itself stays banned for \d+s, for all/,
    ])
  },
)

t.test('ban lift forgets failures and the growth of bans too, and with --all those of everybody', async (t) => {
  await redis.set('sipauth:mirror', 'stays')
  for (const _ of [1, 2]) {
    await impose('user', '192.0.2.1')
    await redis.del(`sipauth:ban:{192.0.2.1|${REALM}|alice}`)
    await redis.hset(`sipauth:failures:{192.0.2.1|${REALM}|alice}`, 'until', Date.now())
  }
  await impose('user', '192.0.2.1')
  t.match(await ban('list'), /bans=3/)
  await impose('source', '198.51.100.1')
  t.equal(await ban('lift', '--all'), '2 bans lifted, and the failures forgotten\n')
  t.match(await ban('lift', '--all'), /^nobody is banned/)
  t.same(await subjectsLeft(), ['mirror'])
  await impose('user', '192.0.2.1')
  t.match(await ban('list'), /bans=1/)
})

t.test('ban called wrongly says the rule, and touches nothing', async (t) => {
  await impose('user', '192.0.2.1')
  const wrong = [
    [],
    ['show'],
    ['list', '192.0.2.1'],
    ['list', '--all'],
    ['lift'],
    ['lift', '192.0.2.1', '192.0.2.2'],
    ['lift', '192.0.2.1', '--all'],
    ['lift', '192.0.2.1', '--user', 'alice'],
    ['lift', '192.0.2.1', '--realm', REALM],
    ['lift', '--all', '--user', 'alice', '--realm', REALM],
    ['lift', 'localhost'],
    ['lift', '192.0.2.1/64'],
    ['lift', '192.0.2.0/24'],
    ['lift', '192.0.2.1', '--json'],
  ]
  for (const args of wrong) await t.rejects(ban(...args), UsageError, args.join(' '))
  t.match(await ban('list'), /1 ban$/m)
})

t.test('without REDIS_URL ban ends with 2 and says where the bans are', async (t) => {
  const { code, stderr } = await runSipauthd(['ban', 'list'], { DATABASE_URL: 'postgres://unused.example' })
  t.equal(code, 2)
  t.match(stderr, /REDIS_URL must be set: without it bans lie in the server process, and a restart of it lifts them/)
})

t.test('a user or password that Redis refuses is told, and no outage', async (t) => {
  const asked = (login: string) => runSipauthd(['ban', 'list'], { REDIS_URL: `${server.url}?${login}` })
  await redis.call('ACL', 'SETUSER', 'blind', 'on', '>secret-word', '+@all', '-scan')
  const [wrong, blind] = await Promise.all([
    asked('username=nobody&password=secret-word'),
    asked('username=blind&password=secret-word'),
  ])
  t.match(wrong, { code: 1, stderr: /^sipauthd: Redis refuses the user or password of REDIS_URL \(WRONGPASS .*\)\n$/ })
  t.match(blind, { code: 1, stderr: /^sipauthd: Redis refuses: NOPERM .*scan/ })
})

t.test('a Redis that does not answer is a failure, and not an empty list', async (t) => {
  await server.stop()
  await t.rejects(ban('list'), Unavailable)
  const { stderr } = await runSipauthd(['ban', 'list'], { REDIS_URL: server.url })
  t.match(stderr, /^sipauthd: Redis at REDIS_URL does not answer \(connect ENOENT .*\)\n$/, 'in one line')
  await server.restart()
})
