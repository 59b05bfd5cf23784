import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { projectPath } from '../test/fixtures/project.js'
import { startDeployment } from './deployment.js'
import { benchmarkHttpVerify } from './http-verify.js'
import { benchmarkImport } from './import.js'
import { benchmarkNativeRegister } from './native-register.js'
import { benchmarkPaging } from './paging.js'
import { benchmarkRedisLookup } from './redis-lookup.js'
import { type Row, toMarkdown, toTable } from './report.js'
import { benchmarkVerifyInProcess } from './verify-in-process.js'

const PHONES = 64

/** Runs every benchmark, prints the table and writes benchmarks/results.md. */
async function run(): Promise<void> {
  const rows: Row[] = []
  say('verify in process')
  rows.push(await benchmarkVerifyInProcess())
  say('Redis lookup')
  rows.push(...(await benchmarkRedisLookup()))
  say('starting PostgreSQL, Redis and sipauthd')
  const deployment = await startDeployment(PHONES)
  say('/v1/verify')
  rows.push(await benchmarkHttpVerify(deployment))
  say('native REGISTER')
  rows.push(await benchmarkNativeRegister(deployment))
  await deployment.stop()
  say('sipauthd import')
  rows.push(...(await benchmarkImport()))
  say('pages of a million credentials')
  rows.push(await benchmarkPaging())

  console.log(`\n${toTable(rows)}`)
  writeFileSync(projectPath('benchmarks/results.md'), toMarkdown(rows, versions()))
}

function say(text: string): void {
  console.error(`… ${text}`)
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

await run()
process.exit(0)
