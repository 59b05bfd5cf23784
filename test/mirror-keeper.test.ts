import { Writable } from 'node:stream'
import { pino } from 'pino'
import t from 'tap'
import type { Truth } from '../src/mirror/mirror.js'
import { createMirrorKeeper, createProgressLog } from '../src/mirror-keeper.js'
import { createTruth } from '../src/truth.js'
import { startPostgres } from './fixtures/postgres.js'
import { type Redis, startRedis } from './fixtures/redis.js'
import { until } from './fixtures/until.js'
import { createStage, hashOf, openRedis, openStore, SILENT } from './provision/stage.js'

const postgres = await startPostgres(t)
const database = await openStore(t, await postgres.createDatabase())
const truth = createTruth(database.pool)

/** A log whose lines a test can read. */
function readableLog() {
  const lines: { msg: string }[] = []
  const sink = new Writable({
    write(line, _encoding, done) {
      lines.push(JSON.parse(String(line)))
      done()
    },
  })
  return { lines, log: pino({ level: 'info' }, sink) }
}

const EMPTIED: readonly [string, (server: Redis) => Promise<unknown>][] = [
  ['is flushed', (server) => server.cli('FLUSHALL')],
  ['is replaced by an empty one', (server) => server.restart()],
  ['loses its marker alone', (server) => server.cli('DEL', 'sipauth:mirror')],
  ["has something else in its marker's place", (server) => server.cli('SET', 'sipauth:mirror', 'x')],
]

for (const [what, empty] of EMPTIED) {
  t.test(`a Redis that ${what} is rebuilt in the background`, async (t) => {
    const server = await startRedis(t)
    const redis = await openRedis(t, server.url)
    const stage = await createStage(t, database, redis)
    await stage.createUser('alice')
    const { log, lines } = readableLog()
    const keeper = createMirrorKeeper({ redis, truth, log, now: Date.now, settle: async () => undefined })
    keeper.start()
    t.teardown(() => keeper.close())
    const isComplete = async () => (await server.cli('HGET', 'sipauth:mirror', 'state')) === 'complete'
    await until(isComplete)
    const whole = await hashOf(redis, stage.realm, 'alice')
    lines.length = 0
    await empty(server)
    await until(isComplete)
    t.same(await hashOf(redis, stage.realm, 'alice'), whole)
    await until(() => lines.some(({ msg }) => msg === 'the mirror in Redis is rebuilt'))
    t.ok(lines.some(({ msg }) => msg === 'the mirror in Redis is not complete'))
  })
}

t.test('a check that fails is told of when the next one fails too, and then once a minute', async (t) => {
  const server = await startRedis(t)
  const redis = await openRedis(t, server.url)
  const { log, lines } = readableLog()
  let failures = 0
  const settle = async () => {
    if (failures++ < 2) throw new Error('no answer')
  }
  const keeper = createMirrorKeeper({ redis, truth, log, now: () => 0, settle })
  keeper.start()
  t.teardown(() => keeper.close())
  const told = () => lines.filter(({ msg }) => msg.includes('could not be checked'))
  await until(() => failures === 1)
  t.same(told(), [], 'a process that is busy with its start is no fault')
  await until(async () => (await server.cli('HGET', 'sipauth:mirror', 'state')) === 'complete')
  t.match(told(), [{ level: 40, err: { message: 'no answer' }, times: 1 }])
  t.equal(told().length, 1)
})

t.test('a Redis that may drop records is told of, once, and one that never does is not', async (t) => {
  const server = await startRedis(t)
  const redis = await openRedis(t, server.url)
  const { log, lines } = readableLog()
  const told = () => lines.filter(({ msg }) => msg.includes('maxmemory-policy noeviction')).length
  const keeper = createMirrorKeeper({ redis, truth, log, now: Date.now, settle: async () => undefined })
  keeper.start()
  t.teardown(() => keeper.close())
  await until(async () => (await server.cli('HGET', 'sipauth:mirror', 'state')) === 'complete')
  t.equal(told(), 0)
  await server.cli('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
  await server.cli('CONFIG', 'SET', 'maxmemory', '100mb')
  await until(() => told() === 1)
  await server.cli('DEL', 'sipauth:mirror')
  await until(async () => (await server.cli('HGET', 'sipauth:mirror', 'state')) === 'complete')
  t.equal(told(), 1)
})

t.test('a Redis that is flushed again and again while it is rebuilt is whole in the end', async (t) => {
  const server = await startRedis(t)
  const redis = await openRedis(t, server.url)
  const stage = await createStage(t, database, redis)
  await stage.createUser('alice')
  let walks = 0
  const interrupted: Truth = {
    ...truth,
    async *walk() {
      yield* truth.walk()
      if (++walks < 3) await server.cli('FLUSHALL')
    },
  }
  const keeper = createMirrorKeeper({
    redis,
    truth: interrupted,
    log: SILENT,
    now: Date.now,
    settle: async () => undefined,
  })
  keeper.start()
  t.teardown(() => keeper.close())
  await until(async () => (await server.cli('HGET', 'sipauth:mirror', 'state')) === 'complete')
  t.equal(walks, 3)
  t.ok((await hashOf(redis, stage.realm, 'alice')).ha1)
})

t.test('closing in the middle of a rebuild ends it without a mark', async (t) => {
  const server = await startRedis(t)
  const redis = await openRedis(t, server.url)
  let closing: Promise<void> | undefined
  const stopped: Truth = {
    ...truth,
    async *walk() {
      closing ??= keeper.close()
      yield* truth.walk()
    },
  }
  const keeper = createMirrorKeeper({
    redis,
    truth: stopped,
    log: SILENT,
    now: Date.now,
    settle: async () => undefined,
  })
  keeper.start()
  await until(() => closing !== undefined)
  await closing
  t.equal(await server.cli('HGET', 'sipauth:mirror', 'state'), 'building')
  t.equal(await server.cli('EXISTS', 'sipauth:mirror:builder'), '0', 'and gives the right to the next')
})

t.test('progress is logged every two seconds', (t) => {
  const { log, lines } = readableLog()
  let time = 0
  const report = createProgressLog({ log, now: () => time })
  for (time = 0; time <= 5_000; time += 500) report({ written: time, removed: 0, total: 9_000 })
  t.match(lines, [
    { written: 2_000, total: 9_000, msg: 'rebuilding the mirror in Redis' },
    { written: 4_000, total: 9_000 },
  ])
  t.equal(lines.length, 2)
  t.end()
})
