import { Counter, Registry } from 'prom-client'
import t from 'tap'
import { createVerdictCounter } from '../src/verdict-counter.js'

t.test('verdicts are scraped exactly as from a counter of prom-client, however often', async (t) => {
  const [ours, theirs] = [new Registry(), new Registry()]
  const verdicts = createVerdictCounter([ours])
  const model = new Counter({
    name: 'sipauthd_verdicts_total',
    help: 'Checks by door, SIP method and reason.',
    labelNames: ['door', 'method', 'reason'],
    registers: [theirs],
  })
  verdicts.show('http', 'ok')
  model.inc({ door: 'http', method: 'REGISTER', reason: 'ok' }, 0)
  t.equal(await ours.metrics(), await theirs.metrics(), 'at zero')
  for (const [method, label] of [
    ['REGISTER', 'REGISTER'],
    ['REGISTER', 'REGISTER'],
    ['INVITE', 'INVITE'],
    ['STRANGE', 'other'],
    ['register', 'other'],
    ['__proto__', 'other'],
  ] as const) {
    verdicts.count('http', method, 'ok')
    model.inc({ door: 'http', method: label, reason: 'ok' })
    t.equal(await ours.metrics(), await theirs.metrics(), method)
  }
  t.equal(await ours.metrics(), await theirs.metrics(), 'nothing is handed over twice')
})
