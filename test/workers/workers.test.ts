import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createNonces } from '../../src/digest/nonce.js'
import { openPostgres } from '../../src/store/postgres.js'
import { challengeOf, type RegisteringPhone, startPhone } from '../e2e/registering-phone.js'
import { answerChallenge, readChallenge } from '../fixtures/digest-answer.js'
import { startPostgres } from '../fixtures/postgres.js'
import { allEnded, isAlive, processTree } from '../fixtures/process-tree.js'
import { startRedis } from '../fixtures/redis.js'
import { scratchFolder } from '../fixtures/scratch.js'
import { type Sipauthd, startSipauthd } from '../fixtures/sipauthd.js'
import { createTenant, KNOWN_TOKENS, PASSWORD } from '../fixtures/tenant.js'
import { until } from '../fixtures/until.js'
import { openWire } from '../lookup/wire.js'
import { SILENT, waiting } from '../provision/stage.js'
import { type Connection, findOwner, openConnection } from './connection.js'

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
  startSipauthd(t, { env: { ...shared, NONCE_SECRET_FILE: files.a, WORKERS: String(WORKERS), DRAIN_DELAY: '3600' } }),
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

t.test('what Redis does not take counts at every worker all the same, at every later check', async (t) => {
  const [username = '', sid = ''] = [USERS[0], sids[0]]
  const workers = (await connectToEach()).slice(0, WORKERS)
  const path = `SIP/CredentialLists/${tenant.listSid}/Credentials/${sid}.json`
  for (const worker of workers) t.equal(await present(worker, answer(await challengeAt(worker), username)), 'ok')
  const challenges = await Promise.all(workers.map(challengeAt))
  await redis.cli('config', 'set', 'min-replicas-to-write', '1')
  t.teardown(() => redis.cli('config', 'set', 'min-replicas-to-write', '0'))
  await tenant.request(path, { Password: 'Another-Horse-8' })
  for (const [at, worker] of workers.entries()) {
    t.equal(await present(worker, answer(challenges[at] ?? '', username)), 'bad_response')
    const fresh = answer(await challengeAt(worker), username, 1, 'Another-Horse-8')
    t.equal(await present(worker, fresh), 'ok')
  }
  await redis.cli('config', 'set', 'min-replicas-to-write', '0')
  await tenant.request(path, { Password: PASSWORD })
  for (const worker of workers) t.equal(await present(worker, answer(await challengeAt(worker), username)), 'ok')
})

t.test('nonce secrets change on node after node, and every phone is let in by its first answer', async (t) => {
  const observer = await startPhone(t, a.sip, { username: 'nobody', realm: REALM })
  const doors = await connectToEach()
  const lanes = await Promise.all(
    USERS.map(async (username) => ({
      username,
      doors: await connectToEach(),
      phone: await startPhone(t, a.sip, { username, realm: REALM, password: PASSWORD }),
    })),
  )
  const answers = new Set<string>()

  /** Challenged at one door and answered at another, native SIP among them. */
  async function register({ username, doors, phone }: (typeof lanes)[number]): Promise<void> {
    const isNative = () => Math.random() < 0.25
    const challenge = isNative() ? challengeOf(await phone.ask()) : await challengeAt(anyOf(doors))
    const answered = isNative()
      ? String((await phone.ask({ challenge })).status)
      : await present(anyOf(doors), answer(challenge, username))
    answers.add(answered)
  }

  const registerAll = () => Promise.all(lanes.map(register))

  /** Whether every process signs by this secret, as its nonces show. */
  async function allSignBy(secret: string): Promise<boolean> {
    const nonces = createNonces({ secrets: [secret], lifetimeSeconds: 300, now: Date.now })
    const challenges = [...(await Promise.all(doors.map(challengeAt))), challengeOf(await observer.ask())]
    return challenges.every((challenge) => nonces.check(readChallenge(challenge).nonce, REALM).kind === 'fresh')
  }

  /** Tells one node while the phones go on; they have all been let in again by when this resolves. */
  async function tell(name: 'a' | 'b', secrets: string): Promise<void> {
    const node = { a, b }[name]
    const from = node.log().length
    writeFileSync(files[name], secrets)
    node.signal('SIGHUP')
    const told = node.waitForLog(/nonce secrets read again/, { from })
    for (let round = 0; round < 3; round++) await registerAll()
    await told
    await registerAll()
  }

  t.ok(await allSignBy('the-old-secret'))
  const old = await challengeAt(anyOf(doors))
  await tell('a', 'the-new-secret\nthe-old-secret')
  await tell('b', 'the-new-secret\nthe-old-secret')
  await until(async () => {
    await registerAll()
    return await allSignBy('the-new-secret')
  })
  await tell('b', 'the-new-secret')
  await tell('a', 'the-new-secret')
  t.same([...answers].sort(), ['200', 'ok'])
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
  const keys = created.map((username) => `sipauth:cred:${REALM}:${username}`)
  await until(async () => Number(await redis.cli('EXISTS', ...keys)) === created.length)
  const database = openPostgres(shared.DATABASE_URL, SILENT)
  t.teardown(() => database.close())
  const { rowCount } = await database.pool.query('select 1 from credentials where username = any($1)', [created])
  t.equal(rowCount, created.length, 'what was acknowledged is in both stores')
})

t.test('connections on their way to workers that die are answered by those that come after them', async (t) => {
  const port = Number(new URL(a.auth).port)
  const doomed = workersOf(a)
  for (const pid of doomed) process.kill(pid, 'SIGSTOP')
  const wires = await Promise.all(Array.from({ length: 8 }, () => openWire(t, port)))
  for (const wire of wires) await wire.send('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
  await until(() => wires.every(({ socket }) => findOwner([a.pid], port, socket.localPort ?? 0) === a.pid))
  for (const pid of doomed.filter(isAlive)) process.kill(pid, 'SIGKILL')
  for (const wire of wires) t.match(await wire.answers(1), [/^HTTP\/1\.1 200 OK/])
})

t.test('SIGTERM lets the workers be unready for a time, answer what runs, and ends all with 0', async (t) => {
  const workers = workersOf(a)
  a.signal('SIGTERM')
  await until(() => fetch(`${a.auth}/readyz`).then(({ status }) => status === 503))
  const database = openPostgres(shared.DATABASE_URL, SILENT)
  t.teardown(() => database.close())
  const session = await database.openSession()
  t.teardown(() => session.close())
  await session.client.query('begin')
  await session.client.query('select from credential_lists where sid = $1 for update', [tenant.listSid])
  const created = tenant.add('held-up')
  // Where it only were on its way, whether it is answered or cut off would be chance.
  await until(async () => (await waiting({ database })) > 0)
  a.signal('SIGTERM')
  await a.waitForLog(/"stopping without further delay"/)
  await session.client.query('rollback')
  t.match(await created, /^CR/)
  t.same(await a.exit, { code: 0, signal: null })
  t.notOk(workers.some(isAlive))
  t.notMatch(a.log(), /not close cleanly|not everything was closed/)
})

t.test('a worker that a signal stops is no error, and all end with a primary that is killed', async (t) => {
  const doomed = await startSipauthd(t, { env: { ...shared, NONCE_SECRET_FILE: files.a, WORKERS: String(WORKERS) } })
  const workers = workersOf(doomed)
  t.equal(workers.length, WORKERS)
  process.kill(workers[0] ?? doomed.pid, 'SIGTERM')
  await doomed.waitForLog(new RegExp(`"level":30,.*"worker":${workers[0]},"code":0,.*"a worker has ended`))
  await doomed.kill()
  await allEnded(workers)
})
