import { Histogram, Registry } from 'prom-client'
import t from 'tap'
import { DurationHistogram } from '../src/duration-histogram.js'

const CONFIG = { name: 'test_duration_seconds', help: 'Time that a test takes.', buckets: [0.00001, 0.001, 2.5] }
const SECONDS = [0, 0.000004, 0.00001, 0.000011, 0.0025, 2.5, 2.6, 900]

t.test('a histogram of durations is scraped exactly as one of prom-client is', async (t) => {
  const [ours, theirs] = [new Registry(), new Registry()]
  const histogram = new DurationHistogram({ ...CONFIG, registers: [ours] })
  const model = new Histogram({ ...CONFIG, labelNames: ['door'], registers: [theirs] })
  for (const door of ['http', 'sip']) {
    histogram.series({ door })
    model.zero({ door })
  }
  t.equal(await ours.metrics(), await theirs.metrics(), 'at zero from the start')
  for (const seconds of SECONDS) {
    histogram.series({ door: 'sip' }).observe(seconds)
    model.observe({ door: 'sip' }, seconds)
  }
  t.equal(await ours.metrics(), await theirs.metrics())
  const [[json], [modelJson]] = await Promise.all([ours.getMetricsAsJSON(), theirs.getMetricsAsJSON()])
  const plain = (values: readonly object[] = []) => values.map((value) => ({ ...value, exemplar: undefined }))
  t.same(plain(json?.values), plain(modelJson?.values), 'as JSON too')
  ours.resetMetrics()
  t.match(await ours.metrics(), /test_duration_seconds_count\{door="sip"\} 0\n/)
})

t.test('a duration since a moment is counted in seconds', async (t) => {
  const registry = new Registry()
  const histogram = new DurationHistogram({ ...CONFIG, registers: [registry] })
  histogram.series({ door: 'sip' }).observeSince(performance.now() - 100_000)
  const { values } = await histogram.get()
  const sum = values.find(({ metricName }) => metricName.endsWith('_sum'))?.value ?? 0
  t.ok(sum >= 100 && sum < 1_000, `${sum}`)
})

t.test(
  'of sampled durations each is counted, one of so many is timed, and that one stands for the others',
  async (t) => {
    const registry = new Registry()
    const histogram = new DurationHistogram({ ...CONFIG, registers: [registry] })
    const sample = histogram.series({ door: 'sip' }).sample(4)
    const read = async () => {
      const { values } = await histogram.get()
      return (suffix: string) => values.find(({ metricName }) => metricName.endsWith(suffix))?.value ?? Number.NaN
    }
    const begun: number[] = []
    for (let count = 1; count <= 9; count++) {
      const begin = sample.begin()
      begun.push(begin)
      sample.end(begin < 0 ? begin : begin - 100_000 * count)
      if (count !== 6) t.equal((await read())('_count'), count, `${count} are counted as soon as they are read`)
    }
    t.strictSame(
      begun.map((begin) => begin >= 0),
      [true, false, false, false, true, false, false, false, true],
    )
    const sum = (await read())('_sum')
    // Those between two scrapes count like the last one that was timed: 4 × 100 s, 4 × 500 s, 900 s.
    t.ok(sum >= 3_300 && sum < 3_400, `${sum}`)
    sample.end(sample.begin())
    await registry.resetMetrics()
    t.equal((await read())('_count'), 0, 'a reset forgets those that wait, too')
  },
)
