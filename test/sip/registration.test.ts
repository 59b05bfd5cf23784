import t, { type Test } from 'tap'
import { createRedisBindings } from '../../src/redis/bindings.js'
import { PASSWORD, REALM, USERNAME } from '../auth/phone.js'
import { createRig } from '../auth/rig.js'
import { answerChallenge } from '../fixtures/digest-answer.js'
import { startRedis } from '../fixtures/redis.js'
import { openRedis } from '../provision/stage.js'
import { startNative } from './native.js'
import { sipRequest } from './request.js'

const server = await startRedis(t)
const redis = await openRedis(t, server.url)
t.beforeEach(() => redis.flushdb())

const URI = `sip:${REALM}`
const TO = `<sip:${USERNAME}@${REALM}>`
const now = () => Date.UTC(2026, 0, 1)
let cseq = 0

/** A node with the real checks and its bindings in Redis, and a phone that answers the first challenge it was given. */
async function startNode(t: Test) {
  const { checks } = createRig({}, redis)
  const bindings = createRedisBindings({ redis, now })
  const { phone } = await startNative(t, { authenticator: checks.authenticator, bindings })
  const { ask } = await phone()
  const challenged = await ask(sipRequest('REGISTER', { uri: URI, to: TO }))

  /** The Authorization of a nonce count, which is as good at other nodes. */
  function authorize(count: number): string {
    const claim = { username: USERNAME, password: PASSWORD, method: 'REGISTER', uri: URI, nc: count }
    return answerChallenge(challenged.one('WWW-Authenticate'), claim)
  }

  return {
    authorize,
    async register(authorization: string, contact: string) {
      const lines = [`Authorization: ${authorization}`, ...(contact ? [`Contact: <sip:${contact}>`] : [])]
      const answer = await ask(sipRequest('REGISTER', { uri: URI, to: TO, cseq: ++cseq, callId: 'c', lines }))
      const found = answer
        .all('Contact')
        .join()
        .match(/(?<=<sip:)[^>]*/g)
      return [answer.status, ...(found ?? [])].join(' ')
    },
  }
}

t.test('a phone that registers again costs Redis one call, for its nonce count and its contact', async (t) => {
  const { authorize, register } = await startNode(t)
  t.equal(await register(authorize(1), 'a@h'), '200 a@h')
  const calls = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1])
  const before = await calls()
  t.equal(await register(authorize(2), 'a@h'), '200 a@h')
  t.equal((await calls()) - before, 1)
  t.match(await redis.get(`sipauth:bindings:${REALM}:${USERNAME}`), new RegExp(`"cseq":${cseq},`))
})

t.test('a replay changes no contacts, at the node that saw the first use and at any other', async (t) => {
  const [one, two] = [await startNode(t), await startNode(t)]
  const { authorize } = one
  t.equal(await one.register(authorize(1), 'a@h'), '200 a@h')
  t.equal(await two.register(authorize(2), ''), '200 a@h', 'what the first one knows is still so')
  for (const node of [one, two]) t.equal(await node.register(authorize(2), 'intruder@h'), '401')
  t.equal(await one.register(authorize(3), ''), '200 a@h')
})

t.test('contacts that another node has changed meanwhile are changed as they are now', async (t) => {
  const [one, two] = [await startNode(t), await startNode(t)]
  const { authorize } = one
  t.equal(await one.register(authorize(1), 'a@h'), '200 a@h')
  t.equal(await two.register(authorize(2), 'b@h'), '200 a@h b@h')
  t.equal(await one.register(authorize(3), 'c@h'), '200 a@h b@h c@h')
})

t.test('of two changes of one turn both are made', async (t) => {
  const { authorize, register } = await startNode(t)
  await register(authorize(1), 'a@h')
  const answers = await Promise.all([register(authorize(2), 'b@h'), register(authorize(3), 'c@h')])
  t.same(
    answers.map((answer) => answer.slice(0, 3)),
    ['200', '200'],
  )
  t.equal(await register(authorize(4), ''), '200 a@h b@h c@h')
})
