import { pino } from 'pino'
import t from 'tap'
import { computeHa1 } from '../../src/digest/ha1.js'
import { PASSWORD, REALM } from '../auth/phone.js'
import { createRig } from '../auth/rig.js'
import { openLookup } from './in-process.js'
import { BEARER, createProxy } from './proxy.js'

t.test('an outage is 503 with Retry-After to every question, never a challenge and never 404', async (t) => {
  const rig = createRig()
  const { url } = await openLookup(t, rig)
  const proxy = createProxy(url, REALM)
  const known = await proxy.attempt()
  t.match(known, { status: 200 })
  rig.mirror.down = rig.database.down = true
  const unavailable = {
    status: 503,
    headers: { 'retry-after': '5' },
    json: { status: 503, reason: 'unavailable', headers: ['Retry-After: 5'], hdr: 'Retry-After: 5\r\n' },
  }
  t.match(await proxy.verify(), unavailable)
  t.match(await proxy.verify({ proxy: '1' }), unavailable)
  t.match(await proxy.verify({}, '?http=200'), { ...unavailable, status: 200 })
  t.match(await proxy.verify({}, '?format=text'), { status: 503, text: 'Retry-After: 5\r\n' })
  for (const query of ['username=alice', 'username=nobody', 'username=nobody&decoy=1']) {
    const got = await proxy.ask(`/v1/ha1?realm=${REALM}&${query}`)
    t.match(got, { status: 503, text: '', headers: { 'retry-after': '5', 'content-length': '0' } }, query)
  }
})

t.test('without HA1_TOKEN the proxy token opens both doors', async (t) => {
  const { url } = await openLookup(t, createRig())
  const got = await createProxy(url, REALM).ask(`/v1/ha1?realm=${REALM}&username=alice`)
  t.match(got, { status: 200, text: computeHa1('MD5', 'alice', REALM, PASSWORD) })
})

t.test('a disabled credential is 403 at both doors', async (t) => {
  const rig = createRig()
  rig.add('bob')
  const proxy = createProxy((await openLookup(t, rig)).url, REALM)
  t.match(await proxy.attempt({ username: 'bob' }), { status: 403, json: { status: 403, reason: 'disabled', hdr: '' } })
  t.match(await proxy.ask(`/v1/ha1?realm=${REALM}&username=bob&decoy=1`), { status: 403, text: '' })
})

t.test('an unexpected fault is 500 without a word of what it was, and without a body for an HA1', async (t) => {
  const broken = {
    authenticator: { verify: () => Promise.reject(new Error('the inside')) },
    ha1Lookup: { find: () => Promise.reject(new Error('the inside')) },
  }
  const lines: string[] = []
  const log = pino({}, { write: (line) => lines.push(line) })
  const { url } = await openLookup(t, createRig(), { ...broken, log })
  const proxy = createProxy(url, REALM)
  const verified = await proxy.verify()
  t.match(verified, { status: 500, text: '{"error":"internal error"}' })
  const looked = await proxy.ask(`/v1/ha1?realm=${REALM}&username=alice`)
  t.match(looked, { status: 500, text: '' })
  t.same(
    lines.map((line) => JSON.parse(line).requestId),
    [verified, looked].map(({ headers }) => headers['x-request-id']),
    'the log has the id that the answer has',
  )
})

t.test('readiness is told by status, with the state of each store', async (t) => {
  let ready = false
  const readiness = async () => ({ ready, stores: { postgres: 'down' } })
  const { url } = await openLookup(t, createRig(), { readiness })
  const proxy = createProxy(url, REALM)
  t.match(await proxy.ask('/readyz'), { status: 503, json: { ready: false, stores: { postgres: 'down' } } })
  t.match(await proxy.ask('/healthz'), { status: 200 }, 'alive all the same')
  ready = true
  t.match(await proxy.ask('/readyz', { headers: { authorization: '' } }), { status: 200 })
})

t.test('while it drains, what is being answered is answered, and nothing new is taken', async (t) => {
  const rig = createRig()
  const { server, url } = await openLookup(t, rig)
  const proxy = createProxy(url, REALM)
  const findRealm = rig.mirror.findRealm
  let release = (): void => undefined
  const asked = new Promise<void>((reached) => {
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    Object.assign(rig.mirror, {
      findRealm: async (realm: string) => {
        reached()
        await held
        return findRealm(realm)
      },
    })
  })
  const answered = proxy.verify()
  await asked
  const closed = server.close()
  release()
  t.match(await answered, { status: 401, json: { reason: 'no_credentials' } })
  await closed
  await t.rejects(proxy.ask('/healthz', { headers: BEARER }), { code: /ECONN(REFUSED|RESET)/ })
})
