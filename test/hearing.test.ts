import t from 'tap'
import { watchHearing } from '../src/hearing.js'
import type { Queryable } from '../src/store/database.js'
import { until } from './fixtures/until.js'

/** A database that answers when and how the test says. */
function scriptedDatabase() {
  const questions: { answer(): void; fail(): void }[] = []
  const query = () =>
    new Promise((resolve, reject) => {
      questions.push({ answer: () => resolve({ rows: [] }), fail: () => reject(new Error('away')) })
    })
  return { questions, db: { query } as unknown as Queryable }
}

t.test('hearing is good with LISTEN, bad without, and the best there is without the database too', async (t) => {
  const { questions, db } = scriptedDatabase()
  const listener = { connected: true }
  const hearing = watchHearing({ db, listener })
  t.teardown(() => hearing.close())
  t.ok(hearing.good)
  listener.connected = false
  t.notOk(hearing.good, 'at once')
  await until(() => questions.length === 1)
  questions[0]?.answer()
  await until(() => questions.length === 2)
  t.notOk(hearing.good, 'the database answers')
  questions[1]?.fail()
  await until(() => hearing.good)
  await until(() => questions.length === 3)
  questions[2]?.answer()
  await until(() => !hearing.good)
  listener.connected = true
  t.ok(hearing.good)
})

t.test('a database that hangs is away, and is asked one question at a time', async (t) => {
  const { questions, db } = scriptedDatabase()
  const hearing = watchHearing({ db, listener: { connected: false } })
  t.teardown(() => hearing.close())
  t.notOk(hearing.good)
  await until(() => hearing.good)
  t.equal(questions.length, 1)
  questions[0]?.answer()
  await until(() => !hearing.good)
})
