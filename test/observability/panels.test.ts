import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { projectPath } from '../fixtures/project.js'
import { type Series, startPrometheus } from '../fixtures/prometheus.js'
import { until } from '../fixtures/until.js'
import { fillIn, selectors } from './expression.js'
import { startTraffic } from './traffic.js'

type Target = { expr: string; legendFormat: string }
type Panel = { title: string; targets?: Target[] }
type Variable = { name: string; type: string; query: string }
type Dashboard = { panels: Panel[]; templating: { list: Variable[] } }

const dashboard = JSON.parse(readFileSync(projectPath('grafana/sipauthd.json'), 'utf8')) as Dashboard
const rulesFile = projectPath('prometheus/rules.yml')
const rules = parse(readFileSync(rulesFile, 'utf8')) as { groups: { rules: { alert: string; expr: string }[] }[] }

/** What a round of traffic must have met once it is complete. */
const REASONS = 'ok replayed_nonce stale_nonce bad_nonce bad_response throttled unknown_user'.split(' ')

const traffic = await startTraffic(t)
const prometheus = await startPrometheus(t, { targets: [traffic.target], rulesFile })

/** A quantile of what did not happen lately is no number, and a gap in its line. */
function hasNumber(series: readonly Series[]): boolean {
  return series.some(({ value }) => Number.isFinite(Number(value[1])))
}

/** Asks while phones go on, until a series of the answer is a number; a wrong expression is refused at once. */
async function askInTraffic(expression: string): Promise<readonly Series[]> {
  let series = await prometheus.query(expression)
  await until(async () => {
    await traffic.playRound()
    series = await prometheus.query(expression)
    return hasNumber(series)
  }).catch((cause) => {
    throw new Error(`no data for ${expression}`, { cause })
  })
  return series
}

t.test('traffic of every kind goes through', async (t) => {
  t.equal(await traffic.askWithoutStores(), 'unavailable')
  await until(async () => {
    const reasons = await traffic.playRound()
    return REASONS.every((reason) => reasons.has(reason))
  })
})

t.test('every panel shows data', async (t) => {
  const panels = dashboard.panels.filter(({ targets }) => targets)
  t.ok(panels.length > 15)
  for (const { title, targets = [] } of panels) {
    for (const { expr, legendFormat } of targets) {
      const series = await askInTraffic(fillIn(expr))
      const labels = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label)
      t.ok(
        series.every(({ metric }) => labels.every((label) => metric[label])),
        `${title}: ${legendFormat}`,
      )
    }
  }
})

t.test('every variable of the dashboard has values to choose from', async (t) => {
  for (const { name, query } of dashboard.templating.list.filter(({ type }) => type === 'query')) {
    const [, metric = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(query) ?? []
    const values = await prometheus.get(`label/${label}/values?match[]=${encodeURIComponent(fillIn(metric))}`)
    t.strictSame(values, [name === 'job' ? 'sipauthd' : traffic.target], name)
  }
})

t.test('every series that a panel or an alarm selects is there', async (t) => {
  const panels = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => fillIn(expr)))
  const alarms = rules.groups.flatMap((group) => group.rules.map(({ expr }) => expr))
  for (const selector of new Set([...panels, ...alarms].flatMap(selectors))) {
    t.ok((await askInTraffic(selector)).length > 0, selector)
  }
})

t.test('Prometheus evaluates every alarm', async (t) => {
  type Evaluated = { name: string; health: string; lastError?: string }
  let evaluated: Evaluated[] = []
  await until(async () => {
    const { groups } = (await prometheus.get('rules')) as { groups: { rules: Evaluated[] }[] }
    evaluated = groups.flatMap((group) => group.rules)
    return evaluated.every(({ health }) => health !== 'unknown')
  })
  t.strictSame(
    evaluated.map(({ name, health, lastError }) => [name, health, lastError]),
    rules.groups.flatMap((group) => group.rules.map(({ alert }) => [alert, 'ok', undefined])),
  )
})
