import { execFileSync } from 'node:child_process'
import { projectPath } from '../test/fixtures/project.js'
import { startRedis } from '../test/fixtures/redis.js'
import { fillRedis, readUsedMemory } from './near-cache-load.js'
import type { Row } from './report.js'

const ENTRIES = 100_000

/** What 100,000 credentials cost: in a process that holds all of them near, and in Redis. */
export async function benchmarkNearCacheMemory(): Promise<Row[]> {
  const server = await startRedis(undefined)
  const before = await readUsedMemory(server.url)
  await fillRedis(server.url, ENTRIES)
  const redisBytes = ((await readUsedMemory(server.url)) - before) / ENTRIES
  const usage = Number(await server.cli('MEMORY', 'USAGE', `sipauth:cred:pbx.example.com:user${ENTRIES - 1}`))
  // The heap is measured in a process of its own, whose garbage can be collected on demand.
  const load = projectPath('dist-test/benchmarks/near-cache-load.js')
  const heap = execFileSync(process.execPath, ['--expose-gc', load, server.url, String(ENTRIES)]).toString()
  await server.stop()
  const note = `MEMORY USAGE of one of them: ${usage} bytes.`
  return [
    { what: 'near cache, memory of an entry', unit: 'bytes', ours: Number(heap), target: { atMost: 1_024 } },
    { what: 'Redis, memory of a credential', unit: 'bytes', ours: redisBytes, target: { atMost: 900 }, note },
  ]
}
