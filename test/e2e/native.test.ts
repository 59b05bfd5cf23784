import t, { type Test } from 'tap'
import { startBaresip } from '../fixtures/baresip.js'
import { readChallenge } from '../fixtures/digest-answer.js'
import { startPostgres } from '../fixtures/postgres.js'
import { startRedis } from '../fixtures/redis.js'
import { type Sipauthd, startSipauthd } from '../fixtures/sipauthd.js'
import { registerPhones } from '../fixtures/sipp.js'
import { until } from '../fixtures/until.js'
import { askUntil, challengeOf, startPhone } from './registering-phone.js'
import { createTenant, MASTER, PASSWORD, type Tenant } from './twilio-tenant.js'

t.test('phones register natively, with credentials that the twilio client created', async (t) => {
  const [postgres, redis] = await Promise.all([startPostgres(t), startRedis(t)])
  const env = {
    ...{ DATABASE_URL: await postgres.createDatabase(), REDIS_URL: redis.url },
    ...{ MASTER_ACCOUNT_SID: MASTER.sid, MASTER_AUTH_TOKEN: MASTER.token, NONCE_TTL: '3' },
  }
  const sipauthd = await startSipauthd(t, { env })
  const tenant = await createTenant(() => sipauthd.api, 'Bakery')
  for (const [name, test] of Object.entries(tests)) await t.test(name, (t) => test(t, sipauthd, tenant))
})

t.test('phones register on the embedded default just so', async (t) => {
  const env = { MASTER_ACCOUNT_SID: MASTER.sid, MASTER_AUTH_TOKEN: MASTER.token }
  const sipauthd = await startSipauthd(t, { env })
  const tenant = await createTenant(() => sipauthd.api, 'Bakery')
  for (const name of ['SIPp registers over UDP and over TCP', 'a changed and a deleted password count at once']) {
    await t.test(name, (t) => (tests[name] as NativeTest)(t, sipauthd, tenant))
  }
})

type NativeTest = (t: Test, sipauthd: Sipauthd, tenant: Tenant) => Promise<void>

const tests: Record<string, NativeTest> = {
  'SIPp registers over UDP and over TCP': async (t, { sip }, { realm, addUser }) => {
    await Promise.all([addUser('alice'), addUser('bob')])
    for (const transport of ['udp', 'tcp'] as const) {
      const run = await registerPhones({
        phones: [
          { username: 'alice', password: PASSWORD, domain: realm },
          { username: 'bob', password: PASSWORD, domain: realm },
        ],
        ...{ target: `${sip.host}:${sip.port}`, transport },
      })
      t.equal(run.code, 0, `${transport} ${run.errors}`)
    }
  },

  'a wrong password and an unknown user never register': async (t, { sip }, { realm }) => {
    for (const transport of ['udp', 'tcp'] as const) {
      const run = await registerPhones({
        phones: [
          { username: 'alice', password: 'Wrong-Horse-77', domain: realm },
          { username: 'nobody', password: PASSWORD, domain: realm },
        ],
        ...{ target: `${sip.host}:${sip.port}`, transport, scenario: 'register-refused' },
      })
      t.equal(run.code, 0, `${transport} ${run.errors}`)
    }
  },

  'baresip registers over UDP and over TCP': async (t, { sip }, { realm, addUser }) => {
    await addUser('carla')
    for (const transport of ['udp', 'tcp']) {
      const address = `<sip:carla@${realm};transport=${transport}>`
      const outbound = `outbound="sip:${sip.host}:${sip.port};transport=${transport}"`
      const phone = await startBaresip(t, { account: `${address};auth_user=carla;auth_pass=${PASSWORD};${outbound}` })
      await phone.registered()
      await phone.stop()
    }
    t.pass('both got 200')
  },

  'phones register at a SIP domain and are called there, each by those whose list may': async (t, { sip }, tenant) => {
    const domain = `pbx.${tenant.realm}`
    const phones = await tenant.addListOf('desk')
    await tenant.addUser('emma')
    await tenant.addDomain(domain, { calls: [tenant.listSid], registrations: [phones] })
    const target = `${sip.host}:${sip.port}`
    const run = await registerPhones({ phones: [{ username: 'desk', password: PASSWORD, domain }], target })
    t.equal(run.code, 0, run.errors)
    const address = `<sip:desk@${domain};transport=udp>;auth_user=desk;auth_pass=${PASSWORD}`
    const phone = await startBaresip(t, { account: `${address};outbound="sip:${target};transport=udp"` })
    await phone.registered()

    const [emma, desk] = await Promise.all([
      startPhone(t, sip, { username: 'emma', realm: domain }),
      startPhone(t, sip, { username: 'desk', realm: domain }),
    ])
    t.equal((await emma.logIn()).status, 403, 'who may call may not register')
    const bound = (await desk.logIn()).one('Contact')
    const uri = `sip:desk@${domain}`
    const redirected = await emma.logIn({ method: 'INVITE', uri, to: `<${uri}>` })
    t.equal(redirected.status, 302)
    t.equal(redirected.one('Contact').split(', ').length, bound.split(', ').length)
    t.equal((await desk.logIn({ method: 'INVITE', uri, to: `<${uri}>` })).status, 403, 'who may register may not call')
    await phone.stop()
  },

  'a changed and a deleted password count at once': async (t, { sip }, tenant) => {
    const credential = await tenant.addUser('dora')
    const [old, changed] = await Promise.all([
      startPhone(t, sip, { username: 'dora', realm: tenant.realm }),
      startPhone(t, sip, { username: 'dora', realm: tenant.realm, password: 'Battery-Staple-8' }),
    ])
    t.equal((await old.logIn()).status, 200)
    await tenant.changePassword(credential, 'Battery-Staple-8')
    t.equal((await old.logIn()).status, 401)
    t.equal((await changed.logIn()).status, 200)
    await tenant.removeUser(credential)
    t.equal((await changed.logIn()).status, 401)
  },

  'a retransmission is answered as before, and the same credentials in a new request are refused as stale': async (
    t,
    { sip },
    { realm },
  ) => {
    const phone = await startPhone(t, sip, { username: 'alice', realm })
    const challenge = challengeOf(await phone.ask())
    const request = phone.write({ challenge })
    t.equal((await phone.ask(request)).status, 200)
    t.equal((await phone.ask(request)).status, 200)
    const replayed = await phone.ask({ challenge })
    t.equal(replayed.status, 401)
    t.ok(readChallenge(challengeOf(replayed)).stale)
    t.equal((await phone.ask({ challenge: challengeOf(replayed) })).status, 200)
  },

  'an expired nonce is answered with stale=true, and the fresh one registers': async (t, { sip }, { realm }) => {
    const phone = await startPhone(t, sip, { username: 'alice', realm })
    const challenge = challengeOf(await phone.ask())
    let nc = 0
    let answer = await askUntil(401, () => phone.ask({ challenge, nc: ++nc }))
    await until(async () => {
      t.ok(readChallenge(challengeOf(answer)).stale)
      answer = await phone.ask({ challenge: challengeOf(answer) })
      return answer.status === 200
    })
  },
}
