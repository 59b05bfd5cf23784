import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readConfig } from '../../src/config.js'
import { freePort } from '../fixtures/ports.js'
import { startPostgres } from '../fixtures/postgres.js'
import { runProcess } from '../fixtures/process.js'
import { projectPath } from '../fixtures/project.js'
import { scratchFolder } from '../fixtures/scratch.js'
import { startSipauthd } from '../fixtures/sipauthd.js'
import { readText } from './composition.js'
import { copies, type Instruction, readStages, texts, words } from './dockerfile.js'

const stages = readStages('Dockerfile')
const image: readonly Instruction[] = stages.at(-1) ?? []
const packageJson = JSON.parse(readText('package.json')) as {
  engines: { node: string }
  bin: { sipauthd: string }
  scripts: { start: string }
}

t.test('every file that the images copy exists and reaches the builder', async (t) => {
  const ignored = readText('.dockerignore').split('\n')
  t.ok(ignored.includes('*'), 'what is not named stays out')
  for (const { sources } of stages.flatMap(copies).filter(({ from }) => from === undefined)) {
    for (const source of sources) {
      t.ok(existsSync(projectPath(source)), source)
      t.ok(ignored.includes(`!${source.split('/')[0]}`), `${source} is let in`)
    }
  }
  for (const { sources } of readStages('kamailio/Dockerfile').flatMap(copies)) {
    for (const source of sources) t.ok(existsSync(projectPath(join('kamailio', source))), source)
  }
})

t.test('what it copies from an earlier stage is made there', async (t) => {
  const names = stages.map((stage) => / AS (\w+)$/.exec(texts(stage, 'FROM')[0] ?? '')?.[1])
  const made: Record<string, string> = { build: 'npm run build', modules: 'npm ci --omit=dev' }
  for (const { from, sources } of copies(image).filter(({ from }) => from !== undefined)) {
    const stage = stages[names.indexOf(from)] ?? []
    t.match(texts(stage, 'RUN').at(-1), made[from ?? ''], `${from}: ${sources}`)
  }
})

t.test('the image holds all that the program reads at runtime', async (t) => {
  const held = copies(image).flatMap(({ sources, target }) =>
    sources.map((source) => (target.endsWith('/') ? join(target, source) : join(target))),
  )
  for (const path of ['package.json', 'src/store/migrations', 'node_modules', 'dist']) t.ok(held.includes(path), path)
})

t.test('every stage has a Node.js that the package asks for, and the last one no root', async (t) => {
  const least = Number(/^>=(\d+)/.exec(packageJson.engines.node)?.[1])
  for (const stage of stages) {
    t.ok(Number(/^node:(\d+)-bookworm-slim/.exec(texts(stage, 'FROM')[0] ?? '')?.[1]) >= least)
  }
  t.strictSame(texts(image, 'USER'), ['node'])
})

t.test('it listens on all addresses, keeps its data in the volume, and exposes the default ports', async (t) => {
  const env = Object.fromEntries((texts(image, 'ENV')[0] ?? '').split(' ').map((pair) => pair.split('=')))
  // Who tests may not be who may write to the image's own folder.
  const { HOST, API_PORT, AUTH_PORT, SIP_PORT } = readConfig({ ...env, DATA_DIR: await scratchFolder('volume') })
  t.equal(HOST, '0.0.0.0')
  t.ok(env.DATA_DIR)
  t.strictSame(texts(image, 'VOLUME'), [env.DATA_DIR])
  t.strictSame(texts(image, 'EXPOSE'), [`${API_PORT} ${AUTH_PORT} ${SIP_PORT}/udp ${SIP_PORT}/tcp`])
})

t.test(
  'it runs the program that the package offers, with serve as its default, as npm start and the unit do',
  async (t) => {
    const [entry = []] = texts(image, 'ENTRYPOINT').map(words)
    t.strictSame([entry[0], entry.at(-1)], ['node', packageJson.bin.sipauthd])
    t.strictSame(texts(image, 'CMD').map(words), [['serve']])
    const served = `${entry.join(' ')} serve`
    t.equal(packageJson.scripts.start, `exec ${served}`)
    t.match(readText('systemd/sipauthd.service'), `ExecStart=/usr/bin/${served}\n`)
  },
)

t.test('the health check passes while sipauthd serves, and fails when it does not', async (t) => {
  const [command = '', ...args] = texts(image, 'HEALTHCHECK').flatMap(words)
  const port = String(await freePort())
  const check = () => runProcess({ command, args, env: { AUTH_PORT: port } })
  t.equal((await check()).code, 1)
  const postgres = await startPostgres(t) // ready sooner than the embedded one
  await startSipauthd(t, { env: { AUTH_PORT: port, SIP_PORT: 'off', DATABASE_URL: postgres.url } })
  t.match(await check(), { code: 0, stderr: '' })
})
