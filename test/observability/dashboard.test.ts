import { readFileSync } from 'node:fs'
import t from 'tap'
import { buildDashboard } from '../../grafana/dashboard.js'
import { REASONS } from '../../src/auth/verdict.js'
import { createMetrics } from '../../src/metrics.js'
import { projectPath } from '../fixtures/project.js'
import { fillIn, reasons, selectors } from './expression.js'

type Panel = {
  id: number
  type: string
  title: string
  description: string
  gridPos: { x: number; y: number; w: number; h: number }
  fieldConfig: { defaults: { unit?: string } }
  targets?: { refId: string; expr: string }[]
}

const committed = readFileSync(projectPath('grafana/sipauthd.json'), 'utf8')
const { panels } = JSON.parse(committed) as { panels: Panel[] }
const graphs = panels.filter(({ type }) => type !== 'row')
const expressions = graphs.flatMap(({ targets = [] }) => targets.map(({ expr }) => fillIn(expr)))

t.test('the committed dashboard is what npm run grafana writes', async (t) => {
  t.equal(committed, `${JSON.stringify(buildDashboard(), undefined, 2)}\n`)
})

t.test('every metric of its own is on the dashboard', async (t) => {
  const { registry } = createMetrics()
  const shown = expressions.flatMap(selectors).map((selector) => selector.replace(/(_bucket|_count)?\{.*/, ''))
  const own = registry.getMetricsAsArray().filter(({ name }) => name.startsWith('sipauthd_'))
  t.ok(own.length > 5)
  for (const { name } of own) t.ok(shown.includes(name), name)
})

t.test('every panel says what it means, and in which unit', async (t) => {
  for (const { title, description, fieldConfig, targets = [] } of graphs) {
    t.match(description, /^.{40,}\.$/, title)
    t.ok(fieldConfig.defaults.unit, title)
    t.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title)
  }
})

t.test('panels have numbers of their own and lie side by side on the grid', async (t) => {
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
  )
  t.equal(new Set(cells).size, cells.length, 'none lies on another')
  for (const { title, gridPos } of panels) t.ok(gridPos.x + gridPos.w <= 24, title)
})

t.test('the reasons that the dashboard names are verdicts', async (t) => {
  const named = new Set(expressions.flatMap(reasons))
  t.ok(named.has('ok'))
  for (const reason of named) t.ok(Object.hasOwn(REASONS, reason), reason)
})
