import { Writable } from 'node:stream'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { createNonceRotation, signingDelayMs } from '../src/nonce-rotation.js'
import { nonceSecretId } from '../src/nonce-secret-id.js'
import { Secret } from '../src/secret.js'
import { until } from './fixtures/until.js'

/** A rotation that began with the secret `old`; what it put in force last, of which the first signs. */
function setUp(t: Test, delayMs: number) {
  const clock = { ms: 0 }
  let applied: readonly string[] = ['old']
  const lines: Record<string, unknown>[] = []
  const sink = new Writable({
    write(line, _encoding, done) {
      lines.push(JSON.parse(String(line)))
      done()
    },
  })
  const rotation = createNonceRotation({
    secrets: [new Secret('old')],
    delayMs,
    apply: (secrets) => {
      applied = secrets.map((secret) => secret.reveal())
    },
    log: pino(sink),
    now: () => clock.ms,
  })
  t.teardown(() => rotation.close())
  const take = (...texts: readonly string[]) => {
    rotation.take(texts.map((text) => new Secret(text)))
    return applied
  }
  return { clock, take, inForce: () => applied, lines }
}

t.test('a new secret is good at once, and signs when it has been known for a while', async (t) => {
  const { clock, take, inForce } = setUp(t, 20)
  t.same(take('new', 'old'), ['old', 'new'])
  clock.ms = 20
  await until(() => inForce()[0] === 'new')
  t.same(inForce(), ['new', 'old'])
})

t.test('one that has been known for a while, as an older one, signs at once', async (t) => {
  const { clock, take } = setUp(t, 60_000)
  t.same(take('old', 'new'), ['old', 'new'])
  clock.ms = 60_000
  t.same(take('new', 'old'), ['new', 'old'])
})

t.test('being told the same again puts nothing off', async (t) => {
  const { clock, take } = setUp(t, 60_000)
  take('new', 'old')
  clock.ms = 59_999
  t.same(take('new', 'old'), ['old', 'new'])
  clock.ms = 60_000
  t.same(take('new', 'old'), ['new', 'old'])
})

t.test('a secret that is left out is good for nothing at once, also where it was the one that signs', async (t) => {
  const { take } = setUp(t, 60_000)
  take('new', 'old')
  t.same(take('new'), ['new'])
  t.same(take('newest', 'newer', 'new'), ['new', 'newest', 'newer'], 'of new ones the oldest signs')
})

t.test('without a delay a new secret signs at once', async (t) => {
  t.same(setUp(t, 0).take('new', 'old'), ['new', 'old'])
})

t.test('the log shows which secret signs, which one will and from when, and no secret', async (t) => {
  const { clock, take, inForce, lines } = setUp(t, 20)
  const [oldId, newId] = ['old', 'new'].map((text) => nonceSecretId(new Secret(text)))
  take('new', 'old')
  clock.ms = 20
  await until(() => inForce()[0] === 'new')
  t.match(lines, [
    { msg: 'nonce secrets in force', secrets: 1, signs: oldId },
    { msg: 'nonce secrets read again', secrets: 2, signs: oldId, next: newId, from: /^\d{4}-\d\d-\d\dT.*Z$/ },
    { msg: 'another nonce secret signs from now on', secrets: 2, signs: newId, next: undefined },
  ])
  t.match(oldId, /^[0-9a-f]{8}$/)
  t.notMatch(JSON.stringify(lines.map(({ msg, ...told }) => told)), /"(old|new)"/)
})

t.test('the delay is what is configured, and a tenth of the life of a nonce at most', async (t) => {
  t.equal(signingDelayMs({ NONCE_SECRET_DELAY: 10, NONCE_TTL: 300 }), 10_000)
  t.equal(signingDelayMs({ NONCE_SECRET_DELAY: 10, NONCE_TTL: 5 }), 500)
})
