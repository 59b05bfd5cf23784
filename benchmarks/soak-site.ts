import { existsSync, readFileSync } from 'node:fs'
import pg from 'pg'
import { createNodeClient, type NodeClient, SHARED_ENV } from '../test/e2e/node.js'
import { type Postgres, startPostgres } from '../test/fixtures/postgres.js'
import { type Redis, startRedis } from '../test/fixtures/redis.js'
import { type Sipauthd, startSipauthd } from '../test/fixtures/sipauthd.js'
import { until } from '../test/fixtures/until.js'

/** A node, which may be killed and started anew. */
export type SoakNode = { readonly name: string; process: Sipauthd; client: NodeClient; alive: boolean }

/** Two nodes on private stores. */
export type SoakSite = {
  readonly postgres: Postgres
  readonly redis: Redis
  readonly nodes: readonly [SoakNode, SoakNode]
  /** Asks PostgreSQL as its owner, whom no limit of connections keeps out. */
  asOwner(...statements: string[]): Promise<void>
  kill(node: SoakNode): Promise<void>
  revive(node: SoakNode): Promise<void>
  /** Resident memory in MiB of each process that there is, by its name. */
  memory(): Record<string, number>
  /** Waits until both nodes are ready, with both stores up and their mirror complete, and nothing left in the outbox. */
  becomesWhole(): Promise<void>
  stop(): Promise<void>
}

export async function openSoakSite(): Promise<SoakSite> {
  const [postgres, redis] = await Promise.all([startPostgres(undefined), startRedis(undefined)])
  const url = await postgres.createDatabase()

  async function asOwner(...statements: string[]): Promise<void> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    for (const statement of statements) await client.query(statement)
    await client.end()
  }
  await asOwner('create role app login', 'grant create, usage on schema public to app')
  const stores = { DATABASE_URL: url.replace('postgres@', 'app@'), REDIS_URL: redis.url }
  const env = { ...SHARED_ENV, ...stores, API_RATE_LIMIT: '0', LOG_LEVEL: 'error' }

  async function start(name: string): Promise<SoakNode> {
    const process = await startSipauthd(undefined, { env })
    return { name, process, client: createNodeClient(process), alive: true }
  }
  const nodes = [await start('node a'), await start('node b')] as const

  async function becomesWhole(): Promise<void> {
    for (const { client } of nodes) {
      await until(async () => (await client.readiness()) === 200)
      await until(async () => (await client.metric('sipauthd_store_up{store="postgres"}')) === 1)
      await until(async () => (await client.metric('sipauthd_mirror_complete')) === 1)
      await until(async () => (await client.metric('sipauthd_outbox_pending')) === 0)
    }
  }

  await becomesWhole()
  return {
    ...{ postgres, redis, nodes, asOwner, becomesWhole },
    async kill(node) {
      node.alive = false
      await node.process.kill()
    },
    async revive(node) {
      Object.assign(node, await start(node.name))
    },
    memory() {
      const pids = { [nodes[0].name]: nodes[0].process.pid, [nodes[1].name]: nodes[1].process.pid, Redis: redis.pid() }
      const resident = Object.entries(pids).map(([name, pid]) => [name, residentMiB(pid)] as const)
      return Object.fromEntries(resident.filter(([, mebibytes]) => mebibytes !== undefined)) as Record<string, number>
    },
    async stop() {
      for (const { process } of nodes) await process.stop()
      await redis.stop()
      await postgres.stop()
    },
  }
}

/** See proc(5): VmRSS, in kB; undefined for a process that is gone, or has just ended. */
function residentMiB(pid: number): number | undefined {
  const status = `/proc/${pid}/status`
  const kilobytes = existsSync(status) ? /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(status, 'utf8'))?.[1] : undefined
  return kilobytes === undefined ? undefined : Math.round(Number(kilobytes) / 1_024)
}
