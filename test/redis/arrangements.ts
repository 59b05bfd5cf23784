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
  for (let n = 0; n < 3; n++) {
    masters.push(await startRedis(t, { tcp: true, extraArgs: ['--cluster-enabled', 'yes', '--save', ''] }))
  }
  const addresses = masters.map(({ port }) => `127.0.0.1:${port}`)
  const create = ['--cluster', 'create', ...addresses, '--cluster-yes']
  const { code, stdout, stderr } = await runProcess({ command: 'redis-cli', args: create })
  if (code !== 0) throw new Error(`the cluster could not be made: ${stdout}${stderr}`)
  return { url: `redis+cluster://${addresses.join(',')}`, masters }
}

/** A master and its replica, watched by one sentinel. */
export type Sentinel = {
  readonly url: string
  readonly master: Redis
  readonly replica: Redis
  /** Asks the sentinel one command. */
  cli(...command: string[]): Promise<string>
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
  }
}
