import { pino } from 'pino'
import t from 'tap'
import type { AuthRequest } from '../../src/auth/auth-request.js'
import { createRefusalLine } from '../../src/auth/refusal-line.js'
import { refuse, type Verdict } from '../../src/auth/verdict.js'

const WRONG: Verdict = { reason: 'bad_response', realm: 'example.com', challenges: [] }
const AUTHORIZATION =
  'Digest username="alice", realm="example.com", nonce="n", uri="sip:example.com", response="00000000000000000000000000000000"'
const REQUEST: AuthRequest = { method: 'REGISTER', authorizations: [AUTHORIZATION], sourceIp: '192.0.2.1' }

function stage(level = 'debug') {
  const lines: string[] = []
  const log = pino({ level, base: { pid: 1 } }, { write: (line) => lines.push(line) })
  let time = 0
  const tell = createRefusalLine({ log, now: () => time })
  return {
    ...{ lines, tell },
    advance(ms: number) {
      time += ms
    },
  }
}

t.test('a refusal is one line that says who was refused what and why, and the course of digest is none', async (t) => {
  const { lines, tell } = stage()
  tell?.('http', { ...REQUEST, callId: 'c1', userAgent: 'Acme 1.2', domain: 'voice.example.com' }, WRONG)
  tell?.('sip', { ...REQUEST, authorizations: [] }, { ...WRONG, reason: 'no_credentials' })
  tell?.('sip', REQUEST, { ...WRONG, reason: 'stale_nonce' })
  tell?.('sip', { ...REQUEST, authorizations: ['nonsense'] }, refuse('malformed', 'why'))
  const [first, second, ...others] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  t.match(first, {
    ...{ level: 20, event: 'refused', door: 'http', reason: 'bad_response', method: 'REGISTER', source: '192.0.2.1' },
    ...{ realm: 'example.com', domain: 'voice.example.com', username: 'alice', callId: 'c1', userAgent: 'Acme 1.2' },
  })
  t.match(second, { event: 'refused', door: 'sip', reason: 'malformed', detail: 'why' })
  t.same(others, [])
})

t.test('above the level debug there is nobody to tell', async (t) => {
  t.equal(stage('info').tell, undefined)
})

t.test('what a stranger chooses stays within its field, and is cut', async (t) => {
  const ban = '{"level":40,"time":1,"pid":1,"event":"ban","kind":"source","address":"198.51.100.1"'
  for (const hostile of [`x\n${ban}`, `x\r\n${ban}`, `","event":"ban`, 'x\u2028y\u0085z\u202e\u001b[2J\ud800\u0000']) {
    const { lines, tell } = stage()
    tell?.('http', { ...REQUEST, method: hostile, sourceIp: hostile, callId: hostile, userAgent: hostile }, WRONG)
    t.equal(lines.length, 1)
    t.match(lines[0], /^\{"level":20,"time":\d+,"pid":1,"event":"refused",[\x20-\x7e\ufffd]+\n$/)
    t.match(JSON.parse(lines[0] ?? ''), { event: 'refused', reason: 'bad_response', username: 'alice' })
  }
  const { lines, tell } = stage()
  tell?.('http', { ...REQUEST, userAgent: 'x'.repeat(4_000) }, WRONG)
  t.ok((lines[0] ?? '').length < 600)
})

t.test('a hundred are written in a second, and the next line says how many are missing', async (t) => {
  const { lines, tell, advance } = stage()
  for (let each = 0; each < 130; each++) tell?.('http', REQUEST, WRONG)
  t.equal(lines.length, 100)
  advance(1_000)
  tell?.('http', REQUEST, WRONG)
  tell?.('http', REQUEST, WRONG)
  t.match(
    lines.slice(100).map((line) => (JSON.parse(line) as { missing?: number }).missing),
    [30, undefined],
  )
})
