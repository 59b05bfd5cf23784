import fc from 'fast-check'
import t from 'tap'
import { createKeptAnswers } from '../../src/sip/kept-answers.js'

/** What is kept, in the simplest way: the newest at the end. */
function createModel(most: number, mostBytes: number, now: () => number) {
  let records: { key: string; answer: string; end: number }[] = []
  const bytes = () => records.reduce((sum, { key, answer }) => sum + key.length + answer.length, 0)
  const live = () => {
    records = records.filter(({ end }) => end > now())
    return records
  }
  return {
    find: (key: string) => live().findLast((record) => record.key === key)?.answer,
    keep(key: string, answer: string) {
      live().push({ key, answer, end: now() + 32_000 })
      while (records.length > most || bytes() > mostBytes) records.shift()
    },
    size: () => live().length,
  }
}

t.test('answers come back as they were, the oldest going first, however often the memory was gone round', async (t) => {
  const step = fc.record({
    keep: fc.boolean(),
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'a long key\nof \u00fc lines'),
    length: fc.constantFrom(0, 1, 300, 20_000, 60_000),
    advance: fc.constantFrom(0, 0, 0, 1, 16_000, 32_000),
  })
  const { failed, counterexample } = fc.check(
    fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => {
      let time = 1_800_000_000_000
      const now = () => time
      const kept = createKeptAnswers({ most: 4, mostBytes: 150_000, now })
      const model = createModel(4, 150_000, now)
      return steps.every(({ keep, key, length, advance }, number) => {
        time += advance
        const answer = `${number} \u00e9`.padEnd(length, `${number}`)
        if (keep) {
          kept.keep(key, answer)
          model.keep(key, answer)
        }
        return kept.find(key) === model.find(key) && kept.size === model.size()
      })
    }),
    { numRuns: 300 },
  )
  t.notOk(failed, JSON.stringify(counterexample))
})

t.test('many keys are told apart, and all that were kept are found', async (t) => {
  const kept = createKeptAnswers({ most: 10_000, mostBytes: 1_000_000, now: () => 0 })
  const keys = Array.from({ length: 10_000 }, (_, index) => `REGISTER\n${index}`)
  for (const key of keys) kept.keep(key, `answer to ${key}`)
  t.ok(keys.every((key) => kept.find(key) === `answer to ${key}`))
  t.equal(kept.find('REGISTER\n10000'), undefined)
})

t.test('an answer that is larger than all may be is not kept', async (t) => {
  const kept = createKeptAnswers({ most: 10, mostBytes: 100, now: () => 0 })
  kept.keep('key', 'x'.repeat(100))
  t.equal(kept.size, 0)
})
