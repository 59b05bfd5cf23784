import t from 'tap'
import { startPostgres } from '../fixtures/postgres.js'
import { runProcess } from '../fixtures/process.js'
import { until } from '../fixtures/until.js'
import { startCluster, startSentinel } from '../redis/arrangements.js'
import { endure } from './endure.js'
import { openSite } from './site.js'

const postgres = await startPostgres(t)

const promised = { checks: 'ok', writes: 'accepted' } as const

t.test('a master that dies and is failed over by Sentinel: nobody gets a wrong answer', async (t) => {
  const { url, master, replica, cli } = await startSentinel(t)
  const site = await openSite(t, { DATABASE_URL: await postgres.createDatabase(), REDIS_URL: url }, replica.cli)
  await until(async () => (await cli('SENTINEL', 'REPLICAS', 'phones')).includes('slave'))
  await endure(t, site, {
    begin: () => master.stop('SIGKILL'),
    end: () => until(async () => (await replica.cli('ROLE')).startsWith('master')),
    ...promised,
    shownBy: { sipauthd_mirror_complete: 0 },
  })
})

t.test('a cluster of three that is resharded: nobody gets a wrong answer', async (t) => {
  const { url, masters } = await startCluster(t)
  const [first, second] = masters
  if (!first || !second) throw new Error('there are not three masters')
  const ask = (...command: string[]) => runCli(first.port, '-c', ...command)
  const site = await openSite(t, { DATABASE_URL: await postgres.createDatabase(), REDIS_URL: url }, ask)
  const [from, to] = await Promise.all([first, second].map(({ cli }) => cli('CLUSTER', 'MYID')))
  await endure(t, site, {
    begin: () => {
      const options = ['--cluster-from', from ?? '', '--cluster-to', to ?? '', '--cluster-slots', '500']
      return runCli(first.port, '--cluster', 'reshard', `127.0.0.1:${first.port}`, ...options, '--cluster-yes')
    },
    end: () => undefined,
    ...promised,
    shownBy: {},
  })
})

async function runCli(port: number, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProcess({ command: 'redis-cli', args: ['-p', String(port), ...args] })
  if (code !== 0) throw new Error(`redis-cli ${args.join(' ')} failed: ${stderr}${stdout}`)
  return stdout.replace(/\n$/, '')
}
