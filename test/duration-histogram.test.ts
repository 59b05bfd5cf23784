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
