import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { projectPath } from '../test/fixtures/project.js'
import { type Deployment, withDeployment } from './deployment.js'
import { benchmarkHttpVerify } from './http-verify.js'
import { benchmarkImport } from './import.js'
import { benchmarkKamailio } from './kamailio.js'
import { benchmarkNativeRegister } from './native-register.js'
import { benchmarkNearCacheMemory } from './near-cache-memory.js'
import { benchmarkPaging } from './paging.js'
import { benchmarkPropagation } from './propagation.js'
import { benchmarkRedisLookup } from './redis-lookup.js'
import { type Row, toMarkdown, toNotes, toTable } from './report.js'
import { benchmarkScale } from './scale.js'
import { benchmarkTiming } from './timing.js'
import { benchmarkVerifyInProcess } from './verify-in-process.js'

const PHONES = 64

/** Every benchmark by its name, in the order of the table: `npm run bench -- http-verify kamailio` runs two of them. */
const BENCHMARKS: Readonly<Record<string, () => Promise<Row | readonly Row[]>>> = {
  'verify-in-process': benchmarkVerifyInProcess,
  'redis-lookup': benchmarkRedisLookup,
  'http-verify': deployed(benchmarkHttpVerify),
  'native-register': deployed(benchmarkNativeRegister),
  scale: benchmarkScale,
  kamailio: benchmarkKamailio,
  propagation: benchmarkPropagation,
  memory: benchmarkNearCacheMemory,
  timing: benchmarkTiming,
  import: benchmarkImport,
  paging: benchmarkPaging,
}

function deployed(benchmark: (deployment: Deployment) => Promise<Row | readonly Row[]>) {
  return () => withDeployment(PHONES, benchmark)
}

/** Runs those that are named, or all; prints the table, and writes benchmarks/results.md where all were run. */
async function run(wanted: readonly string[]): Promise<void> {
  const names = Object.keys(BENCHMARKS)
  const unknown = wanted.filter((name) => !names.includes(name))
  if (unknown.length > 0) {
    console.error(`no benchmark is named ${unknown.join(', ')}; there are ${names.join(', ')}`)
    process.exit(2)
  }
  const rows: Row[] = []
  for (const [name, benchmark] of Object.entries(BENCHMARKS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    const start = Date.now()
    console.error(`… ${name}`)
    const more = [await benchmark()].flat()
    console.error(`${toTable(more)}\n  (${Math.round((Date.now() - start) / 1000)} s)`)
    rows.push(...more)
  }
  console.log(`\n${toTable(rows)}\n\n${toNotes(rows).join('\n')}`)
  if (wanted.length === 0) writeFileSync(projectPath('benchmarks/results.md'), toMarkdown(rows, versions()))
}

function versions(): Record<string, string> {
  const installed = (name: string) =>
    (JSON.parse(readFileSync(projectPath(`node_modules/${name}/package.json`), 'utf8')) as { version: string }).version
  const redis = /v=(\S+)/.exec(execFileSync('redis-server', ['--version']).toString())?.[1] ?? 'unknown'
  return {
    'Node.js': process.versions.node,
    Redis: redis,
    ioredis: installed('ioredis'),
    fastify: installed('fastify'),
  }
}

await run(process.argv.slice(2))
process.exit(0)
