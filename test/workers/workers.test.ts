import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createNonces } from '../../src/digest/nonce.js'
import { challengeOf, type RegisteringPhone, startPhone } from '../e2e/registering-phone.js'
import { answerChallenge, readChallenge } from '../fixtures/digest-answer.js'
import { startPostgres } from '../fixtures/postgres.js'
import { allEnded, isAlive, processTree } from '../fixtures/process-tree.js'
import { startRedis } from '../fixtures/redis.js'
import { scratchFolder } from '../fixtures/scratch.js'
import { type Sipauthd, startSipauthd } from '../fixtures/sipauthd.js'
import { createTenant, KNOWN_TOKENS, PASSWORD } from '../fixtures/tenant.js'
import { until } from '../fixtures/until.js'
import { type Connection, openConnection } from './connection.js'

const REALM = 'workers.example.com'
const WORKERS = 2
/** Seconds that a new nonce secret is known before it signs: longer than the two nodes take to be told of it. */
const NONCE_SECRET_DELAY = '3'

const [postgres, redis, folder] = [await startPostgres(t), await startRedis(t), await scratchFolder('nonces')]
const files = { a: join(folder, 'a'), b: join(folder, 'b') }
for (const file of Object.values(files)) writeFileSync(file, 'the-old-secret')
const shared = {
  ...KNOWN_TOKENS,
  DATABASE_URL: await postgres.createDatabase(),
  REDIS_URL: redis.url,
  NONCE_SECRET_DELAY,
}
const [a, b] = await Promise.all([
  startSipauthd(t, { env: { ...shared, NONCE_SECRET_FILE: files.a, WORKERS: String(WORKERS) } }),
  startSipauthd(t, { env: { ...shared, NONCE_SECRET_FILE: files.b, SIP_PORT: 'off' } }),
])
const tenant = await createTenant(a.api, REALM)
const USERS = ['alice', 'bob', 'carol', 'dave']
const sids = await Promise.all(USERS.map((username) => tenant.add(username)))

/** Processes of the node that began with this one, itself apart. */
const workersOf = (node: Sipauthd): number[] => processTree(node.pid).filter((pid) => pid !== node.pid && isAlive(pid))

/** A connection to each worker of `a` and one to `b`. */
async function connectToEach(): Promise<readonly Connection[]> {
  const found = new Map<number, Connection>()
  while (found.size < WORKERS) {
    const connection = await openConnection(t, a)
    found.set(connection.pid, connection)
  }
  return [...found.values(), await openConnection(t, b)]
}

const FORM = { method: 'REGISTER', realm: REALM }

async function challengeAt(connection: Connection): Promise<string> {
  const { headers } = await connection.verify(FORM)
  return (headers[0] ?? '').replace('WWW-Authenticate: ', '')
}

function answer(challenge: string, username: string, nc = 1, password = PASSWORD): string {
  return answerChallenge(challenge, { username, password, method: 'REGISTER', uri: `sip:${REALM}`, nc })
}

async function present(connection: Connection, authorization: string): Promise<string> {
  return (await connection.verify({ ...FORM, authorization })).reason
}

/** One of several at random. */
function anyOf<T>(items: readonly T[]): T {
  return items[Math.floor(Math.random() * items.length)] as T
}

t.test('workers share the ports of the one ready line, and connections go to them in turn', async (t) => {
  t.equal(a.stdout().match(/^ready /gm)?.length, 1)
  t.equal(workersOf(a).length, WORKERS)
  const connections = []
  for (let each = 0; each < 2 * WORKERS; each++) connections.push(await openConnection(t, a))
  const pids = connections.map(({ pid }) => pid)
  for (const worker of workersOf(a)) t.equal(pids.filter((pid) => pid === worker).length, 2)
  t.same(workersOf(b), [], 'a node without is one process')
})

t.test('whichever worker is asked, its metrics are those of the node, and it is ready', async (t) => {
  const [one, two] = await connectToEach()
  if (!one || !two) throw new Error('there are not two workers')
  const read = async () => {
    const text = await (await fetch(`${a.auth}/metrics`)).text()
    return Number(
      /^sipauthd_verdicts_total\{door="http",method="REGISTER",reason="no_credentials"\} (\d+)$/m.exec(text)?.[1],
    )
  }
  const before = await read()
  for (const connection of [one, two, two]) await challengeAt(connection)
  t.equal(await read(), before + 3)
  const metrics = await (await fetch(`${a.auth}/metrics`)).text()
  t.match(metrics, /^sipauthd_store_up\{store="postgres"\} 1$/m)
  t.match(await (await fetch(`${a.auth}/readyz`)).json(), { ready: true, stores: { postgres: 'up', redis: 'up' } })
})

t.test('of one Authorization at four processes at the same instant, one lets it in, a thousand times', async (t) => {
  const TIMES = 1000
  const NONCE_USES = 10
  const outcomes = new Map<string, number>()
  let fired = 0

  async function registerAt(phone: RegisteringPhone, challenge: string, nc: number): Promise<string> {
    const answered = await phone.ask({ challenge, nc })
    if (answered.status === 200) return 'ok'
    return answered.status === 401 && challengeOf(answered).includes('stale=true') ? 'replayed_nonce' : answered.text
  }

  async function fire(username: string): Promise<void> {
    const connections = await connectToEach()
    const phone = await startPhone(t, a.sip, { username, realm: REALM, password: PASSWORD })
    while (fired < TIMES) {
      const challenge = await challengeAt(anyOf(connections))
      for (let nc = 1; nc <= NONCE_USES && fired < TIMES; nc++) {
        fired++
        const authorization = answer(challenge, username, nc)
        const verdicts = await Promise.all([
          ...connections.map((connection) => present(connection, authorization)),
          registerAt(phone, challenge, nc),
        ])
        const outcome = verdicts.sort().join(' ')
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      }
    }
  }

  await Promise.all(USERS.map(fire))
  t.same([...outcomes], [['ok replayed_nonce replayed_nonce replayed_nonce', TIMES]])
})

t.test('a changed password counts at every worker of the node that answered from its answer on', async (t) => {
  const [username = '', sid = ''] = [USERS[0], sids[0]]
  const workers = (await connectToEach()).slice(0, WORKERS)
  const path = `SIP/CredentialLists/${tenant.listSid}/Credentials/${sid}.json`
  const passwords = ['Another-Horse-8', PASSWORD]
  const reasons = new Set<string>()
  for (let round = 0; round < 20; round++) {
    const [next = '', old = ''] = round % 2 === 0 ? passwords : passwords.toReversed()
    for (const worker of workers) await present(worker, answer(await challengeAt(worker), username, 1, old))
    const challenges = await Promise.all(workers.map(challengeAt))
    await tenant.request(path, { Password: next })
    const given = await Promise.all(
      workers.map((worker, at) => present(worker, answer(challenges[at] ?? '', username, 1, old))),
    )
    for (const reason of given) reasons.add(reason)
    for (const worker of workers)
      reasons.add(await present(worker, answer(await challengeAt(worker), username, 1, next)))
  }
  t.same([...reasons].sort(), ['bad_response', 'ok'])
})

t.test('nonce secrets change on node after node, and every phone is let in by its first answer', async (t) => {
  const doors = await connectToEach()
  const observer = await startPhone(t, a.sip, { username: 'nobody', realm: REALM })
  const lanes = await Promise.all(
    USERS.map(async (username) => ({
      username,
      doors: await connectToEach(),
      phone: await startPhone(t, a.sip, { username, realm: REALM, password: PASSWORD }),
    })),
  )
  const answers = new Map<string, number>()
  let running = true
  let attempts = 0

  /** Challenged at one door and answered at another, native SIP among them. */
  async function register({ username, doors, phone }: (typeof lanes)[number]): Promise<void> {
    while (running) {
      const native = Math.random() < 0.25
      const challenge = native ? challengeOf(await phone.ask()) : await challengeAt(anyOf(doors))
      const answered =
        Math.random() < 0.25
          ? String((await phone.ask({ challenge })).status)
          : await present(anyOf(doors), answer(challenge, username))
      answers.set(answered, (answers.get(answered) ?? 0) + 1)
      attempts++
    }
  }

  /** Whether every process signs by this secret, as its nonces show. */
  async function allSignBy(secret: string): Promise<boolean> {
    const nonces = createNonces({ secrets: [secret], lifetimeSeconds: 300, now: Date.now })
    const challenges = [...(await Promise.all(doors.map(challengeAt))), challengeOf(await observer.ask())]
    return challenges.every((challenge) => nonces.check(readChallenge(challenge).nonce, REALM).kind === 'fresh')
  }

  /** Long enough for each phone to be challenged and to answer, whatever it was at. */
  const someAttempts = async () => {
    const enough = attempts + 4 * lanes.length
    await until(() => attempts >= enough)
  }

  const tell = async (node: 'a' | 'b', secrets: string) => {
    const from = { a, b }[node].log().length
    writeFileSync(files[node], secrets)
    ;({ a, b })[node].signal('SIGHUP')
    await { a, b }[node].waitForLog(/nonce secrets read again/, { from })
  }

  t.ok(await allSignBy('the-old-secret'))
  const old = await challengeAt(anyOf(doors))
  const phones = lanes.map(register)
  await someAttempts()
  await tell('a', 'the-new-secret\nthe-old-secret')
  await someAttempts()
  await tell('b', 'the-new-secret\nthe-old-secret')
  await until(() => allSignBy('the-new-secret'))
  await someAttempts()
  await tell('b', 'the-new-secret')
  await someAttempts()
  await tell('a', 'the-new-secret')
  await someAttempts()
  running = false
  await Promise.all(phones)
  t.same([...answers.keys()].sort(), ['200', 'ok'])
  t.equal(await present(anyOf(doors), answer(old, 'alice')), 'bad_nonce', 'the old secret is out')
})

t.test('a worker killed under load takes only its own connections with it, and nothing acknowledged', async (t) => {
  const [doomed = 0] = workersOf(a)
  const failures = new Map<number, number>()
  const reasons = new Set<string>()
  const created: string[] = []
  let running = true

  async function logIn(username: string, first: Connection): Promise<void> {
    let connection = first
    while (running) {
      try {
        reasons.add(await present(connection, answer(await challengeAt(connection), username)))
      } catch {
        failures.set(connection.pid, (failures.get(connection.pid) ?? 0) + 1)
        connection = await openConnection(t, a)
      }
    }
  }

  async function create(name: string): Promise<void> {
    for (let count = 0; running; count++) {
      const username = `${name}${count}`
      await tenant.add(username).then(
        () => created.push(username),
        () => undefined, // what was not answered was not promised
      )
    }
  }

  const load = [
    ...(await connectToEach()).slice(0, WORKERS).map((connection, at) => logIn(USERS[at] ?? '', connection)),
    ...['erin', 'frank', 'grace'].map(create),
  ]
  await until(() => created.length > 30)
  process.kill(doomed, 'SIGKILL')
  await until(() => workersOf(a).length === WORKERS && !workersOf(a).includes(doomed))
  await until(async () => !(await connectToEach()).some(({ pid }) => pid === doomed))
  const before = created.length
  await until(() => created.length > before + 10)
  running = false
  await Promise.all(load)

  t.same([...failures], [[doomed, 1]], 'no other connection broke')
  t.same([...reasons], ['ok'])
  t.match(a.stderr(), new RegExp(`"worker":${doomed},.*"a worker has ended; another is started in its place"`))
  const [door] = await connectToEach()
  if (!door) throw new Error('there is no worker')
  const other = await openConnection(t, b)
  for (const username of created) {
    const given = await Promise.all(
      [door, other].map(async (at) => present(at, answer(await challengeAt(at), username))),
    )
    if (given.some((reason) => reason !== 'ok')) t.fail(`${username} was acknowledged and is ${given}`)
  }
})

t.test('SIGTERM lets the workers answer what runs, and ends all with 0', async (t) => {
  const workers = workersOf(a)
  postgres.pause()
  t.teardown(() => postgres.resume())
  const created = tenant.add('held-up')
  await until(() => fetch(`${a.auth}/healthz`).then(({ ok }) => ok))
  a.signal('SIGTERM')
  await a.waitForLog(/"stopping"/)
  postgres.resume()
  t.match(await created, /^CR/)
  t.same(await a.exit, { code: 0, signal: null })
  t.notOk(workers.some(isAlive))
  t.notMatch(a.log(), /not close cleanly|not everything was closed/)
})

t.test('workers end with a primary that is killed', async (t) => {
  const doomed = await startSipauthd(t, { env: { ...shared, NONCE_SECRET_FILE: files.a, WORKERS: String(WORKERS) } })
  const workers = workersOf(doomed)
  t.equal(workers.length, WORKERS)
  await doomed.kill()
  await allEnded(workers)
})
