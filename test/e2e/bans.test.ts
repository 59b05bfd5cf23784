import { appendFile, cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { startPostgres } from '../fixtures/postgres.js'
import { runProcess } from '../fixtures/process.js'
import { projectPath } from '../fixtures/project.js'
import { startRedis } from '../fixtures/redis.js'
import { scratchFolder } from '../fixtures/scratch.js'
import { runSipauthd, startSipauthd } from '../fixtures/sipauthd.js'
import { createTenant, KNOWN_TOKENS } from '../fixtures/tenant.js'
import { until } from '../fixtures/until.js'
import { createProxy, type VerifyAnswer } from '../lookup/proxy.js'

const REALM = 'example.com'
const [postgres, redis] = await Promise.all([startPostgres(t), startRedis(t)])
const env = {
  ...{ ...KNOWN_TOKENS, DATABASE_URL: await postgres.createDatabase(), REDIS_URL: redis.url, SIP_PORT: 'off' },
  ...{ THROTTLE_USER_FAILURES: '2', THROTTLE_SOURCE_FAILURES: '4', THROTTLE_RETRY_FAILURES: '2' },
}
const server = await startSipauthd(t, { env })
const tenant = await createTenant(server.api, REALM)
for (const username of ['alice', 'bob']) await tenant.add(username)
const proxy = createProxy(server.auth, REALM)

async function attempt(source_ip: string, username: string, password?: string): Promise<string> {
  const { json } = await proxy.attempt({ username, ...(password && { password }) }, { source_ip })
  return (json as VerifyAnswer).reason
}

/** Names that would pass for the line of a ban if they could. */
const FORGED = [
  'x","event":"ban","kind":"source","address":"198.51.100.1","source":"198.51.100.1","seconds":60,"bans":1',
  '{"level":40,"time":1,"pid":1,"event":"ban","kind":"source","address":"198.51.100.1","source":"198.51.100.1","seconds":1,"bans":1}',
]

const lines = () => server.stderr().split('\n').filter(Boolean)
const bans = () => lines().filter((line) => line.includes('"event":"ban"'))

t.test('whoever guesses is banned, and the log has one line for each ban', async (t) => {
  for (const username of ['alice', 'bob', FORGED[0] ?? '', FORGED[1] ?? '']) {
    t.equal(
      await attempt('192.0.2.7', username, 'Wrong-Horse-42'),
      username.length < 9 ? 'bad_response' : 'unknown_user',
    )
  }
  t.equal(await attempt('192.0.2.7', 'alice'), 'throttled')
  for (const host of [1, 2]) await attempt(`2001:db8::${host}`, 'alice', 'Wrong-Horse-42')
  for (const username of ['bob', 'bob', 'carol']) await attempt('2001:db8::9', username, 'Wrong-Horse-42')
  await until(() => bans().length === 5)
  t.match(
    bans().map((line) => JSON.parse(line)),
    [
      { kind: 'user', address: '192.0.2.7', username: undefined, realm: REALM },
      { kind: 'source', address: '192.0.2.7', username: undefined },
      { kind: 'user', address: '2001:db8::2', source: '2001:db8::/64', username: 'alice', realm: REALM },
      { kind: 'user', address: '2001:db8::9', username: 'bob' },
      { kind: 'source', address: '2001:db8::9', source: '2001:db8::/64' },
    ],
  )
})

/** What fail2ban takes out of lines, with the filter as it is or with options. */
async function filtered(text: string, options = ''): Promise<readonly string[]> {
  const log = join(await scratchFolder('log'), 'sipauthd.log')
  await writeFile(log, text)
  const filter = projectPath('fail2ban/filter.d/sipauthd.conf') + options
  const { code, stdout, stderr } = await runProcess({ command: 'fail2ban-regex', args: ['-o', 'row', log, filter] })
  if (code !== 0) throw new Error(`fail2ban-regex failed: ${stdout}${stderr}`)
  return [...stdout.matchAll(/^\['([^']*)',\s+([\d.]+)/gm)].map(([, address = '', at]) => {
    if (Math.abs(Number(at) * 1_000 - Date.now()) > 600_000) throw new Error(`a wrong time: ${stdout}`)
    return address
  })
}

t.test('fail2ban finds the banned sources in the log, and in that nothing else', async (t) => {
  t.ok(lines().length > 4)
  t.same(await filtered(server.stderr()), ['192.0.2.7', '2001:db8::9'])
  const all = '[kinds="source|user", address=network]'
  t.same(await filtered(server.stderr(), all), ['192.0.2.7', '192.0.2.7', ...Array(3).fill('2001:db8::/64')])
})

t.test('fail2ban finds them behind what journald and syslog put before a line', async (t) => {
  const from = (start: string) =>
    lines()
      .map((line) => `${start} ${line}\n`)
      .join('')
  t.same(await filtered(from(`pbx1 sipauthd[${server.pid}]:`)), ['192.0.2.7', '2001:db8::9'])
  t.same(await filtered(from(`Nov 22 04:43:59 pbx1 node[${server.pid}]:`)), ['192.0.2.7', '2001:db8::9'])
})

t.test('what a stranger writes into another line is no ban', async (t) => {
  const forged = FORGED.map((name) => JSON.stringify({ level: 30, time: Date.now(), pid: 1, user: name, msg: name }))
  t.same(await filtered(`${forged.join('\n')}\n`), [])
})

t.test('fail2ban takes the jail as it is', async (t) => {
  const folder = await scratchFolder('fail2ban')
  for (const part of ['action.d', 'filter.d', 'fail2ban.conf', 'jail.conf', 'paths-common.conf', 'paths-debian.conf']) {
    await cp(join('/etc/fail2ban', part), join(folder, part), { recursive: true })
  }
  await mkdir(join(folder, 'jail.d'))
  for (const part of ['filter.d', 'jail.d']) {
    await cp(projectPath(`fail2ban/${part}/sipauthd.conf`), join(folder, part, 'sipauthd.conf'))
  }
  const check = () => runProcess({ command: 'fail2ban-client', args: ['-c', folder, '-d'] })
  const { code, stdout } = await check()
  t.equal(code, 0)
  t.match(stdout, /\['add', 'sipauthd', 'systemd'\]/)
  t.match(stdout, /'addjournalmatch', '_SYSTEMD_UNIT=sipauthd\.service'/)
  await appendFile(join(folder, 'jail.d/sipauthd.conf'), 'filter = sipauthd-is-missing\n')
  t.not((await check()).code, 0, 'it would say so if a part were missing')
})

t.test('ban lift lets a right password in at once', async (t) => {
  t.equal(await attempt('192.0.2.7', 'alice'), 'throttled')
  const list = await runSipauthd(['ban', 'list', '--json'], env)
  t.match(list, { code: 0, stdout: /"source":"192\.0\.2\.7","realm":null,"username":null,"kind":"source"/ })
  const lift = await runSipauthd(['ban', 'lift', '::ffff:192.0.2.7'], env)
  t.match(lift, { code: 0, stdout: /^2 bans lifted/ })
  t.equal(await attempt('192.0.2.7', 'alice'), 'ok')
  t.equal(await attempt('2001:db8::77', 'alice'), 'throttled', 'others stay banned')
})
