import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../fixtures/ports.js'
import { type Owner, runProcess, startProcess } from '../fixtures/process.js'
import { type Redis, startRedis } from '../fixtures/redis.js'
import { scratchFolder } from '../fixtures/scratch.js'

/** A cluster of three masters. */
export type RedisCluster = { readonly url: string; readonly masters: readonly Redis[] }

/** Starts three servers and makes a cluster of them; takes about two seconds. */
export async function startCluster(t: Owner): Promise<RedisCluster> {
  const masters: Redis[] = []
  for (let n = 0; n < 3; n++) masters.push(await startMember(t))
  const addresses = masters.map(({ port }) => `127.0.0.1:${port}`)
  const create = ['--cluster', 'create', ...addresses, '--cluster-yes']
  const { code, stdout, stderr } = await runProcess({ command: 'redis-cli', args: create })
  if (code !== 0) throw new Error(`the cluster could not be made: ${stdout}${stderr}`)
  return { url: `redis+cluster://${addresses.join(',')}`, masters }
}

const MEMBER_ATTEMPTS = 5

/** Starts a server that can be one of a cluster; it needs a second port, 10,000 above its own, which may be taken. */
export async function startMember(t: Owner): Promise<Redis> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startRedis(t, { tcp: true, extraArgs: ['--cluster-enabled', 'yes', '--save', ''] })
    } catch (error) {
      if (attempt === MEMBER_ATTEMPTS || !String(error).includes('Address already in use')) throw error
    }
  }
}

/** Moves the slot of a key, with all that is in it, to one of a cluster's masters. */
export async function moveSlotOf(key: string, masters: readonly Redis[], to: Redis): Promise<void> {
  const slot = await to.cli('CLUSTER', 'KEYSLOT', key)
  const id = await to.cli('CLUSTER', 'MYID')
  const keysOf = async (master: Redis) => await master.cli('CLUSTER', 'COUNTKEYSINSLOT', slot)
  for (const from of masters) {
    if (from === to || (await keysOf(from)) === '0') continue
    await to.cli('CLUSTER', 'SETSLOT', slot, 'IMPORTING', await from.cli('CLUSTER', 'MYID'))
    await from.cli('CLUSTER', 'SETSLOT', slot, 'MIGRATING', id)
    const keys = (await from.cli('CLUSTER', 'GETKEYSINSLOT', slot, '1000')).split('\n')
    const moved = await from.cli('MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...keys)
    if (moved !== 'OK') throw new Error(`the slot was not moved: ${moved}`)
  }
  for (const master of [to, ...masters]) await master.cli('CLUSTER', 'SETSLOT', slot, 'NODE', id)
}

/** A master and its replica, watched by one sentinel. */
export type Sentinel = {
  readonly url: string
  readonly master: Redis
  readonly replica: Redis
  /** Asks the sentinel one command. */
  cli(...command: string[]): Promise<string>
  /** Freezes and thaws the sentinel. */
  pause(): void
  resume(): void
}

export async function startSentinel(t: Owner): Promise<Sentinel> {
  const master = await startRedis(t, { tcp: true })
  const replica = await startRedis(t, { tcp: true, extraArgs: ['--replicaof', `127.0.0.1 ${master.port}`] })
  const port = await freePort()
  const folder = await scratchFolder('sentinel')
  const config = join(folder, 'sentinel.conf')
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor phones 127.0.0.1 ${master.port} 1`,
    'sentinel down-after-milliseconds phones 1000',
    'sentinel failover-timeout phones 3000',
  ]
  await writeFile(config, `${lines.join('\n')}\n`)
  const sentinel = await startProcess(t, { command: 'redis-server', args: [config, '--sentinel'], cwd: folder })
  await sentinel.waitFor(/\+monitor master phones/)
  return {
    url: `redis+sentinel://127.0.0.1:${port}/phones`,
    master,
    replica,
    async cli(...command) {
      const { stdout } = await runProcess({ command: 'redis-cli', args: ['-p', String(port), ...command] })
      return stdout.trim()
    },
    pause: () => sentinel.signal('SIGSTOP'),
    resume: () => sentinel.signal('SIGCONT'),
  }
}
