/**
 * `npm test`: installs the programs that the tests need, lints, compiles, runs the tests, and ends with one line,
 * `N passed, N failed` (assertions). `npm test -- test/digest/nonce.test.ts test/store` runs only those.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { failedPoints } from './failures.mjs'
import { ensurePrograms } from './programs.mjs'

const project = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const results = join(project, '.tap/last-run.tap')
const say = (text) => console.log(`— ${text}`)

/**
 * Runs one of the project's own tools to its end, with more variables in its environment; a signal to us ends it too.
 * Resolves with whether it succeeded.
 */
function tool(script, args, variables = {}) {
  const child = spawn(process.execPath, [join(project, 'node_modules', script), ...args], {
    cwd: project,
    stdio: 'inherit',
    env: { ...process.env, ...variables },
  })
  const pass = (signal) => child.kill(signal)
  process.on('SIGINT', pass).on('SIGTERM', pass)
  return new Promise((done, fail) => {
    child.once('error', fail)
    child.once('close', (code) => {
      process.off('SIGINT', pass).off('SIGTERM', pass)
      done(code === 0)
    })
  })
}

const tools = {
  biome: (...args) => tool('@biomejs/biome/bin/biome', args),
  tsc: (...args) => tool('typescript/bin/tsc', args),
  tap: (...args) => tool('tap/dist/esm/run.mjs', args, { NODE_OPTIONS: testNodeOptions() }),
}

/** Those of the caller, and ours behind them. */
function testNodeOptions() {
  const preload = `--import=${pathToFileURL(join(project, 'test/without-module-hooks.mjs'))}`
  return [process.env.NODE_OPTIONS ?? '', preload].join(' ').trim()
}

function filesBelow(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.path, entry.name))
}

/** Deletes compiled files whose source is gone, so that a deleted test does not run on. */
function removeOrphans(folder) {
  for (const file of filesBelow(folder)) {
    const source = join(project, relative(folder, file)).replace(/\.js(\.map)?$/, '.ts')
    if (!existsSync(source)) rmSync(file)
  }
}

/** The compiled files of the tests that the command line names (files or folders), or of all. */
function chosenTests(names) {
  const all = filesBelow(join(project, 'dist-test/test')).filter((file) => file.endsWith('.test.js'))
  if (names.length === 0) return all
  return names.flatMap((name) => {
    const wanted = join(project, 'dist-test', relative(project, resolve(name)).replace(/\.ts$/, '.js'))
    const found = all.filter((file) => file === wanted || file.startsWith(`${wanted}/`))
    if (found.length === 0) say(`no test at ${name}`)
    return found
  })
}

/** Lets tap build its test class anew when its version or the list of plugins has changed. */
async function buildTap() {
  const stamp = join(project, 'node_modules/.cache/tap-plugins')
  const { tap } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))
  const { version } = JSON.parse(readFileSync(join(project, 'node_modules/tap/package.json'), 'utf8'))
  const state = createHash('sha256')
    .update(JSON.stringify([version, tap.plugin]))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return true
  say('building tap with its plugins')
  if (!(await tools.tap('build'))) return false
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, state)
  return true
}

/** Runs the tests, says what failed and how, and returns the totals that tap wrote at the end of its results. */
async function runTests(files) {
  mkdirSync(dirname(results), { recursive: true })
  rmSync(results, { force: true })
  const succeeded = await tools.tap('run', '--reporter=min', `--output-file=${results}`, ...files)
  console.log() // tap ends with a cursor sequence, which is to stay off the last line
  const text = existsSync(results) ? readFileSync(results, 'utf8') : ''
  const totals = [...text.matchAll(/^# \{ (total: .*) \}$/gm)].at(-1)?.[1] ?? ''
  const count = (name) => Number(new RegExp(`${name}: (\\d+)`).exec(totals)?.[1] ?? 0)
  const [passed, failed] = [count('pass'), count('fail')]
  const isFailure = !succeeded || passed + failed === 0
  for (const { path, diagnostics } of failedPoints(text)) console.log(`\nfailed: ${path}\n${diagnostics}`)
  return { passed, failed: isFailure ? Math.max(failed, 1) : failed, skipped: count('skip') + count('todo') }
}

async function main(names) {
  const nothing = { passed: 0, failed: 1, skipped: 0 }
  say('looking for PostgreSQL, MariaDB, Redis, Kamailio, SIPp, sipsak, baresip and Prometheus')
  if (!ensurePrograms(say)) return nothing
  say('linting')
  const isLinted = await tools.biome('check', '.')
  say('compiling')
  const isCompiled = (await tools.tsc('-p', 'tsconfig.json')) && (await tools.tsc('-p', 'tsconfig.test.json'))
  if (!isLinted || !isCompiled) return nothing
  removeOrphans(join(project, 'dist-test'))
  if (!(await buildTap())) return nothing
  const files = chosenTests(names)
  say(`running ${files.length} test files`)
  return files.length === 0 ? nothing : runTests(files)
}

const { passed, failed, skipped } = await main(process.argv.slice(2))
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = failed > 0 ? 1 : 0
