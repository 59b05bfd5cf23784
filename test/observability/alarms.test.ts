import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { REASONS } from '../../src/auth/verdict.js'
import { runProcess } from '../fixtures/process.js'
import { projectPath } from '../fixtures/project.js'
import { reasons } from './expression.js'

type Rule = {
  alert: string
  expr: string
  for?: string
  labels?: { severity?: string }
  annotations?: { summary?: string; description?: string }
}

const read = (path: string) => readFileSync(projectPath(path), 'utf8')
const { groups } = parse(read('prometheus/rules.yml')) as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap((group) => group.rules)

/** What promtool is asked to accept. */
const CHECKS: readonly (readonly string[])[] = [
  ['check', 'rules', projectPath('prometheus/rules.yml')],
  ['check', 'config', projectPath('prometheus/prometheus.yml')],
  ['test', 'rules', projectPath('prometheus/rules.test.yml')],
]

for (const args of CHECKS) {
  t.test(`promtool ${args[0]} ${args[1]} finds nothing wrong`, async (t) => {
    const { code, stdout, stderr } = await runProcess({ command: 'promtool', args })
    t.equal(code, 0, `${stdout}${stderr}`)
    t.match(stdout, /SUCCESS/)
  })
}

t.test('every alarm waits, has a severity, and says what to do', async (t) => {
  t.ok(rules.length > 5)
  for (const rule of rules) {
    t.match(rule.for, /^\d+m$/, rule.alert)
    t.match(rule.labels?.severity, /^(critical|warning)$/, rule.alert)
    t.match(rule.annotations?.summary, /.{20}/, rule.alert)
    t.match(rule.annotations?.description, /.{80}/, rule.alert)
  }
})

t.test('every alarm is seen firing', async (t) => {
  type Case = { promql_expr_test: { exp_samples: { labels: string }[] }[] }
  const { tests } = parse(read('prometheus/rules.test.yml')) as { tests: Case[] }
  const samples = tests.flatMap((one) => one.promql_expr_test.flatMap(({ exp_samples }) => exp_samples))
  const seen = samples.map(({ labels }) => /alertname="(\w+)", alertstate="firing"/.exec(labels)?.[1])
  t.strictSame([...new Set(seen)].sort(), rules.map(({ alert }) => alert).sort())
})

t.test('the reasons that alarms name are verdicts', async (t) => {
  const named = new Set(rules.flatMap(({ expr }) => reasons(expr)))
  t.ok(named.has('unavailable'))
  for (const reason of named) t.ok(Object.hasOwn(REASONS, reason), reason)
})
