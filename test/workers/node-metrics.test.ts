import t from 'tap'
import { createMetrics } from '../../src/metrics.js'
import { createNodeMetrics } from '../../src/workers/node-metrics.js'

/** A process of a node, with metrics of its own. */
function createProcess() {
  const metrics = createMetrics()
  const process = {
    answers: true,
    metrics,
    measure: async () => {
      if (!process.answers) throw new Error('no answer')
      return metrics.registry.getMetricsAsJSON()
    },
  }
  return process
}

/** A node of a primary and two workers. */
function setUp() {
  const [primary, one, two] = [createProcess(), createProcess(), createProcess()]
  const workers = new Set([one, two])
  const node = createNodeMetrics({ registry: primary.metrics.registry, workers: () => workers })
  const read = async (line: string) => {
    const found = (await node.scrape()).split('\n').find((each) => each.startsWith(`${line} `))
    return found === undefined ? undefined : Number(found.slice(line.length))
  }
  return { primary, one, two, workers, node, read }
}

const THROTTLED = 'sipauthd_throttled_total{kind="user"}'

t.test('counters of all processes add up', async (t) => {
  const { primary, one, two, read } = setUp()
  primary.metrics.throttled.inc({ kind: 'user' })
  one.metrics.throttled.inc({ kind: 'user' }, 2)
  two.metrics.throttled.inc({ kind: 'user' }, 4)
  t.equal(await read(THROTTLED), 7)
})

t.test('a store is up where all processes reach it, and lag and backlog are those of whoever sees most', async (t) => {
  const { primary, one, two, read } = setUp()
  for (const [each, up] of [
    [primary, 1],
    [one, 1],
    [two, 1],
  ] as const)
    each.metrics.storeUp.set({ store: 'redis' }, up)
  t.equal(await read('sipauthd_store_up{store="redis"}'), 1)
  two.metrics.storeUp.set({ store: 'redis' }, 0)
  t.equal(await read('sipauthd_store_up{store="redis"}'), 0)
  primary.metrics.mirrorLagSeconds.set(3)
  primary.metrics.outboxPending.set(5)
  one.metrics.outboxPending.set(2)
  t.equal(await read('sipauthd_mirror_lag_seconds'), 3)
  t.equal(await read('sipauthd_outbox_pending'), 5)
})

t.test('what a worker has counted does not fall back when it does not answer, nor when it is gone', async (t) => {
  const { one, workers, node, read } = setUp()
  one.metrics.throttled.inc({ kind: 'user' }, 2)
  one.metrics.storeUp.set({ store: 'redis' }, 0)
  t.equal(await read(THROTTLED), 2)
  one.answers = false
  t.equal(await read(THROTTLED), 2)
  workers.delete(one)
  await node.keepCounts(one)
  t.equal(await read(THROTTLED), 2)
  t.equal(await read('sipauthd_store_up{store="redis"}'), undefined, 'how it saw the stores is gone with it')
  const next = createProcess()
  next.metrics.throttled.inc({ kind: 'user' })
  workers.add(next)
  t.equal(await read(THROTTLED), 3)
})

t.test('what several workers have counted that end at once stays counted', async (t) => {
  const { one, two, workers, node, read } = setUp()
  one.metrics.throttled.inc({ kind: 'user' }, 2)
  two.metrics.throttled.inc({ kind: 'user' }, 4)
  t.equal(await read(THROTTLED), 6)
  workers.clear()
  await Promise.all([one, two].map(node.keepCounts))
  t.equal(await read(THROTTLED), 6)
})

t.test('a worker that ends while the metrics are gathered counts once', async (t) => {
  const { one, two, workers, node, read } = setUp()
  const { measure } = two
  one.metrics.throttled.inc({ kind: 'user' }, 2)
  t.equal(await read(THROTTLED), 2)
  two.measure = async () => {
    await new Promise((resolve) => setImmediate(resolve))
    // By now the first one has told.
    workers.delete(one)
    await node.keepCounts(one)
    return measure()
  }
  t.equal(await read(THROTTLED), 2)
  two.measure = measure
  t.equal(await read(THROTTLED), 2)
})

t.test("a node runs since its oldest process does, and has Node's own metrics", async (t) => {
  const { read } = setUp()
  const started = await read('process_start_time_seconds')
  t.ok(started && started * 1_000 <= Date.now())
  t.ok(await read('nodejs_heap_size_used_bytes'))
})
