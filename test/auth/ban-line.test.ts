import { pino } from 'pino'
import t from 'tap'
import { createMemoryFailureRecord } from '../../src/auth/memory-failure-record.js'
import { createThrottle } from '../../src/auth/throttle.js'
import { createMetrics } from '../../src/metrics.js'

const REALM = 'example.com'

function stage() {
  const lines: string[] = []
  const log = pino({ level: 'warn', base: { pid: 1 } }, { write: (line) => lines.push(line) })
  let time = 0
  const now = () => time
  const limits = {
    ...{ userFailures: 2, sourceFailures: 10, windowMs: 60_000, retryFailures: 0, retryWindowMs: 1_000 },
    ...{ banMs: 60_000, banMaxMs: 3_600_000 },
  }
  const local = createMemoryFailureRecord({ now })
  const throttle = createThrottle({ shared: undefined, local, limits, metrics: createMetrics(), now, log })
  return {
    lines,
    advance(ms: number) {
      time += ms
    },
    async fail(times: number, username = 'alice', sourceIp = '192.0.2.1', realm = REALM) {
      for (let n = 0; n < times; n++) await throttle.fail({ realm, username, sourceIp })
    },
  }
}

t.test('each ban that begins is one line, and no guess is', async (t) => {
  const { lines, fail, advance } = stage()
  await fail(1)
  t.same(lines, [])
  await fail(4)
  t.equal(lines.length, 1)
  const { time: _, ...line } = JSON.parse(lines[0] ?? '') as Record<string, unknown>
  t.strictSame(Object.entries(line), [
    ...[
      ['level', 40],
      ['pid', 1],
      ['event', 'ban'],
      ['kind', 'user'],
    ],
    ...[
      ['address', '192.0.2.1'],
      ['source', '192.0.2.1'],
      ['seconds', 60],
      ['bans', 1],
    ],
    ...[
      ['realm', REALM],
      ['username', 'alice'],
      ['msg', 'too many wrong passwords'],
    ],
  ])
  advance(60_000)
  await fail(2)
  t.match(JSON.parse(lines[1] ?? ''), { kind: 'user', seconds: 120, bans: 2 })
  await fail(8, 'bob', '[::ffff:192.0.2.1]:5060')
  t.match(
    lines.slice(2).map((each) => JSON.parse(each)),
    [
      { kind: 'user', address: '192.0.2.1', username: 'bob' },
      { kind: 'source', address: '192.0.2.1', username: 'bob' },
    ],
  )
})

t.test('an IPv6 address is written beside the /64 that is banned', async (t) => {
  const { lines, fail } = stage()
  await fail(1, 'alice', '2001:DB8::0:9')
  await fail(1, 'alice', '[2001:db8::7%eth0]:5060')
  t.match(JSON.parse(lines[0] ?? ''), { address: '2001:db8::7', source: '2001:db8::/64' })
})

/** What a stranger may send as a user name or realm, to be taken for something else. */
const HOSTILE = [
  'a","kind":"source","address":"198.51.100.1',
  '{"level":40,"event":"ban","kind":"source","address":"198.51.100.1"}',
  'x\n{"level":40,"time":1,"pid":1,"event":"ban","kind":"source","address":"198.51.100.1","source":"198.51.100.1"}',
  'x\r\n198.51.100.1',
  'x\u2028y\u2029z\u0085w',
  '\ud800',
  '\u202eecila',
  '\u001b[2J',
  '"',
  '\\',
  '\u0000',
  '198.51.100.1 '.repeat(1_000),
]

t.test('a user name or realm that could be taken for something else is not in the line', async (t) => {
  for (const hostile of HOSTILE) {
    for (const [username, realm] of [
      [hostile, REALM],
      ['alice', hostile],
    ] as const) {
      const { lines, fail } = stage()
      await fail(2, username, '192.0.2.1', realm)
      t.equal(lines.length, 1)
      const [line = ''] = lines
      t.match(line, /^[\x20-\x7e]+\n$/)
      t.notMatch(line, /198\.51\.100\.1|\\/)
      t.match(JSON.parse(line), { address: '192.0.2.1', kind: 'user', event: 'ban' })
    }
  }
})
