import { mock } from 'node:test'
import t from 'tap'
import { transactionRig } from './transaction-rig.js'

t.test("an INVITE's answer is sent again after 0.5 s, twice the time each, at most every 4 s, for 32 s", async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const { transactions, sent, complete } = transactionRig()
  complete('a', 'INVITE')
  const at: number[] = []
  for (let ms = 0; ms < 40_000; ms += 500) {
    if (sent.splice(0).length > 0) at.push(ms)
    mock.timers.tick(500)
  }
  t.same(at, [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500])
  t.equal(transactions.size, 0)
})

t.test("an ACK ends an INVITE's retransmissions", async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const { transactions, sent, complete, absorb } = transactionRig()
  complete('a', 'INVITE')
  mock.timers.tick(500)
  t.equal(sent.length, 2)
  t.ok(absorb('a', 'ACK'))
  t.ok(absorb('a', 'INVITE'), 'what comes late is absorbed')
  mock.timers.tick(4_000)
  t.equal(sent.length, 2)
  mock.timers.tick(1_000)
  t.equal(transactions.size, 0, 'timer I has fired')
})

t.test(
  'on a stream an INVITE is answered once, again when it is asked again, and forgotten with its ACK',
  async (t) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    t.teardown(() => mock.timers.reset())
    const { transactions, sent, complete, absorb } = transactionRig()
    complete('a', 'INVITE', true)
    mock.timers.tick(20_000)
    t.same(sent, ['answer to a'])
    t.ok(absorb('a', 'INVITE'))
    t.same(sent, ['answer to a', 'answer to a'])
    t.ok(absorb('a', 'ACK'))
    t.equal(transactions.size, 0)
  },
)
