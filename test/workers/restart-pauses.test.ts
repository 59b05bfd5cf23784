import t from 'tap'
import { createRestartPauses } from '../../src/workers/restart-pauses.js'

t.test('what dies again and again is started anew after pauses that grow up to a limit', async (t) => {
  const pauses = createRestartPauses()
  const taken = Array.from({ length: 9 }, () => pauses.next(500))
  t.same(taken, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000])
})

t.test('what has lived for a minute is started anew as soon as the first time', async (t) => {
  const pauses = createRestartPauses()
  for (let deaths = 0; deaths < 5; deaths++) pauses.next(500)
  t.equal(pauses.next(60_000), 100)
  t.equal(pauses.next(500), 200)
})
