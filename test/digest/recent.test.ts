import t from 'tap'
import { createRecent } from '../../src/digest/recent.js'

t.test('at least so many of the last values are held, and at most twice as many', async (t) => {
  const recent = createRecent<number>(3)
  for (let value = 1; value <= 20; value++) {
    recent.put(`${value}`, value)
    const held = Array.from({ length: value }, (_, index) => index + 1).filter(
      (known) => recent.get(`${known}`) === known,
    )
    t.ok(held.length <= 6, `${held.length} are held`)
    t.same(
      held.slice(-3),
      Array.from({ length: Math.min(3, value) }, (_, index) => value - Math.min(3, value) + 1 + index),
    )
  }
  t.equal(recent.get('1'), undefined)
})

t.test('a value that is put again is the one that is held, and nothing is left once it is cleared', async (t) => {
  const recent = createRecent<string>(1)
  recent.put('a', 'first')
  recent.put('b', 'other')
  recent.put('a', 'second')
  t.equal(recent.get('a'), 'second')
  recent.clear()
  t.equal(recent.get('a'), undefined)
  t.equal(recent.get('b'), undefined)
})
