import t from 'tap'
import { computeHa1 } from '../../src/digest/ha1.js'
import { type Node, startNode } from '../e2e/node.js'
import { startPostgres } from '../fixtures/postgres.js'
import { startRedis } from '../fixtures/redis.js'
import { until } from '../fixtures/until.js'
import { createDice } from './dice.js'
import { noneWrong } from './endure.js'
import { createLedger } from './ledger.js'
import { startPhones } from './phones.js'

const seed = Date.now() % 1_000_000
const roll = createDice(seed)
t.comment(`seed ${seed}`)

const ROUNDS = 2
const LONGEST_MS = 700
const WRITERS = 4

const [postgres, redis] = await Promise.all([startPostgres(t), startRedis(t)])
const env = { DATABASE_URL: await postgres.createDatabase(), REDIS_URL: redis.url }
let nodes: readonly [Node, Node] = await Promise.all([startNode(t, env), startNode(t, env)])

t.test(`killed at any instant under load, a node loses nothing that it acknowledged (seed ${seed})`, async (t) => {
  const realm = 'killed.example.com'
  const list = await nodes[0].createList(realm)
  await nodes[0].createUser(list, 'alice', 'Correct-Horse-7')
  const ledger = createLedger({ list, roll })

  for (let round = 0; round < ROUNDS; round++) {
    const [dying, staying] = nodes
    let stopping = false
    const phones = startPhones({ nodes: [staying, staying], realm })
    const dyingPhones = startPhones({ nodes: [dying, dying], realm })
    const writers = Array.from({ length: WRITERS }, async () => {
      while (!stopping && (await ledger.write(dying)));
    })
    const before = ledger.accounts.size
    await until(() => ledger.accounts.size > before)
    await new Promise((resolve) => setTimeout(resolve, roll() * LONGEST_MS))
    const heard = dyingPhones.stop()
    await dying.process.kill()
    stopping = true
    const next = startNode(t, env)
    await Promise.all(writers)
    t.comment(`round ${round}: ${ledger.accounts.size} users`)

    const isInRedis = async (username: string) => redis.cli('HGET', `sipauth:cred:${realm}:${username}`, 'ha1')
    await until(async () => (await staying.metric('sipauthd_outbox_pending')) === 0)
    for (const [username, { acknowledged, asked }] of ledger.accounts) {
      const possible = [acknowledged, ...asked]
      const ha1s = possible.map((password) => computeHa1('MD5', username, realm, password))
      t.ok(ha1s.includes(await isInRedis(username)), `${username} is in Redis as acknowledged`)
      const reasons = await Promise.all(possible.map((password) => staying.logIn({ realm, username, password })))
      t.equal(reasons.filter((reason) => reason === 'ok').length, 1, `${username} has one password`)
    }
    const answered = await phones.stop()
    t.ok(answered.right.includes('ok'), 'the other node lets phones in')
    for (const reasons of [answered, await heard]) noneWrong(t, reasons)
    nodes = [staying, await next]
  }
})
