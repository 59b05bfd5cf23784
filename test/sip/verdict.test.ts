import t from 'tap'
import { REASONS, type Reason, sipStatus } from '../../src/auth/verdict.js'
import { startNative } from './native.js'
import { sipRequest } from './request.js'

const refusals = (Object.keys(REASONS) as Reason[]).filter((reason) => reason !== 'ok')

for (const reason of refusals) {
  for (const method of ['REGISTER', 'INVITE']) {
    t.test(`${reason} answers a ${method} with ${sipStatus(reason)}, and the reason stays here`, async (t) => {
      const { phone } = await startNative(t)
      const answer = await (await phone()).ask(sipRequest(method, { lines: [`Authorization: ${reason}`] }))
      t.equal(answer.status, sipStatus(reason))
      t.equal(answer.all('WWW-Authenticate').length, answer.status === 401 ? 2 : 0)
      t.equal(answer.all('Retry-After').length, answer.status === 503 ? 1 : 0)
      if (answer.status !== 400) t.notMatch(answer.text, new RegExp(reason))
    })
  }
}

t.test('a stale nonce is challenged with stale=true', async (t) => {
  const { phone } = await startNative(t)
  const answer = await (await phone()).ask(sipRequest('REGISTER', { lines: ['Authorization: stale_nonce'] }))
  t.match(answer.all('WWW-Authenticate')[0], /stale=true/)
})

t.test('400 says in its reason phrase what is malformed', async (t) => {
  const { phone } = await startNative(t)
  const answer = await (await phone()).ask(sipRequest('REGISTER', { lines: ['Authorization: malformed'] }))
  t.match(answer, { status: 400, reason: 'Refused For malformed' })
})

t.test('Retry-After is at or a little after the time that the verdict names', async (t) => {
  const { phone } = await startNative(t)
  const bob = await phone()
  for (let i = 0; i < 20; i++) {
    const answer = await bob.ask(sipRequest('REGISTER', { lines: ['Authorization: throttled'] }))
    const seconds = Number(answer.one('Retry-After'))
    t.ok(seconds >= 7 && seconds <= 12, answer.one('Retry-After'))
  }
})

t.test('an authenticator that breaks is 500, and the next request is served', async (t) => {
  const { phone, alive } = await startNative(t)
  const bob = await phone()
  t.equal((await bob.ask(sipRequest('REGISTER', { lines: ['Authorization: throw'] }))).status, 500)
  t.equal((await bob.ask(sipRequest('REGISTER', { lines: ['Authorization: ok'] }))).status, 200)
  t.equal(await alive(), 200)
})
