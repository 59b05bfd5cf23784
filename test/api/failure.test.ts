import t from 'tap'
import { toFailure } from '../../src/api/failure.js'
import { Fault } from '../../src/api/fault.js'
import { Refusal, Unavailable } from '../../src/errors.js'

t.test('a fault and a refusal stay what they are', async (t) => {
  for (const error of [new Fault('not_found', 'x'), new Refusal('invalid', 'Realm', 'x')])
    t.equal(toFailure(error), error)
})

t.test('a store that cannot answer is unavailable, with a time to come again', async (t) => {
  const errors = [new Unavailable('x'), Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })]
  for (const error of errors) t.match(toFailure(error), { code: 'unavailable', headers: { 'retry-after': /^\d+$/ } })
})

t.test('whatever else was thrown is internal, and tells nothing', async (t) => {
  for (const error of [new Error('secret'), new TypeError('secret'), 'secret', undefined, { code: 'secret' }]) {
    t.match(toFailure(error), { code: 'internal', message: 'Internal server error' })
  }
})
