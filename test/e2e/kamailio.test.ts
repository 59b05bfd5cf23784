import t, { type Test } from 'tap'
import { readChallenge } from '../fixtures/digest-answer.js'
import { runProcess } from '../fixtures/process.js'
import { projectPath } from '../fixtures/project.js'
import { registerPhones } from '../fixtures/sipp.js'
import { until, withinASecond } from '../fixtures/until.js'
import { type KamailioSystem, startSystem } from './kamailio-system.js'
import { askUntil, challengeOf, startPhone } from './registering-phone.js'
import { PASSWORD } from './twilio-tenant.js'

t.test('the shipped configuration is right, also with every option, and wants a token', async (t) => {
  const check = (...defines: string[]) => {
    const options = defines.flatMap((define) => ['-A', define])
    const args = ['-c', '-f', projectPath('kamailio/kamailio.cfg'), '-l', 'udp:127.0.0.1:5060', ...options]
    return runProcess({ command: '/usr/sbin/kamailio', args })
  }
  const token = 'SIPAUTHD_TOKEN=some-token'
  const options = [
    'SIPAUTHD_SKIP_URI',
    'SIPAUTHD_SEND_BODY',
    'WITH_PIKE',
    'DIALOG_SECRET=another',
    'SIPAUTHD_TIMEOUT=2',
  ]
  t.match(await check(token), { code: 0, stderr: /config file ok/ })
  t.match(await check(token, ...options), { code: 0, stderr: /config file ok/ })
  const bare = await check()
  t.not(bare.code, 0)
  t.match(bare.stderr, /env variable not defined \[SIPAUTHD_TOKEN\]/)
})

t.test('phones register through Kamailio', async (t) => {
  const system = await startSystem(t)
  const { realm, ...tenant } = await system.createTenant('Bakery')
  for (const [name, test] of Object.entries(tests)) {
    await t.test(name, (t) => test(t, system, { realm, ...tenant }))
  }
})

type Tenant = Awaited<ReturnType<KamailioSystem['createTenant']>>

const tests: Record<string, (t: Test, system: KamailioSystem, tenant: Tenant) => Promise<void>> = {
  'the right password registers, over UDP and over TCP': async (t, { kamailio: { target } }, { realm, addUser }) => {
    await Promise.all([addUser('alice'), addUser('bob')])
    for (const transport of ['udp', 'tcp'] as const) {
      const phones = [
        { username: 'alice', password: PASSWORD, domain: realm },
        { username: 'bob', password: PASSWORD, domain: realm },
      ] as const
      const run = await registerPhones({ phones: [...phones], target, transport })
      t.equal(run.code, 0, `${transport} ${run.errors}`)
    }
  },

  'a wrong password and an unknown user never register': async (t, { kamailio: { target } }, { realm }) => {
    for (const transport of ['udp', 'tcp'] as const) {
      const run = await registerPhones({
        phones: [
          { username: 'alice', password: 'Wrong-Horse-77', domain: realm },
          { username: 'nobody', password: PASSWORD, domain: realm },
        ],
        ...{ target, transport, scenario: 'register-refused' },
      })
      t.equal(run.code, 0, `${transport} ${run.errors}`)
    }
  },

  'a changed and a deleted password count within a second': async (t, system, tenant) => {
    const credential = await tenant.addUser('carol')
    const [old, changed] = await Promise.all([
      startPhone(t, system.kamailio, { username: 'carol', realm: tenant.realm }),
      startPhone(t, system.kamailio, { username: 'carol', realm: tenant.realm, password: 'Battery-Staple-8' }),
    ])
    t.equal((await old.logIn()).status, 200)
    await tenant.changePassword(credential, 'Battery-Staple-8')
    await withinASecond(async () => (await old.logIn()).status === 401)
    await withinASecond(async () => (await changed.logIn()).status === 200)
    await tenant.removeUser(credential)
    await withinASecond(async () => (await changed.logIn()).status === 401)
  },

  'the phones of a suspended account get 403 within a second, and register again when it is active': async (
    t,
    system,
  ) => {
    const tenant = await system.createTenant('Closing down')
    await tenant.addUser('dora')
    const phone = await startPhone(t, system.kamailio, { username: 'dora', realm: tenant.realm })
    t.equal((await phone.logIn()).status, 200)
    await system.setStatus(tenant, 'suspended')
    await withinASecond(async () => (await phone.logIn()).status === 403)
    await system.setStatus(tenant, 'active')
    await withinASecond(async () => (await phone.logIn()).status === 200)
  },

  'a retransmission is answered by Kamailio, and sipauthd is asked once': async (t, system, { realm }) => {
    const phone = await startPhone(t, system.kamailio, { username: 'alice', realm })
    const challenge = challengeOf(await phone.ask())
    const before = await Promise.all(['ok', 'replayed_nonce'].map(system.verdicts))
    const request = phone.write({ challenge })
    const answers = [await phone.ask(request), await phone.ask(request), await phone.ask(request)]
    t.strictSame(
      answers.map(({ status }) => status),
      [200, 200, 200],
    )
    const after = await Promise.all(['ok', 'replayed_nonce'].map(system.verdicts))
    t.strictSame(after, [(before[0] ?? 0) + 1, before[1]])
  },

  'credentials replayed in another request are challenged with stale=true': async (t, system, { realm }) => {
    const phone = await startPhone(t, system.kamailio, { username: 'alice', realm })
    const challenge = challengeOf(await phone.ask())
    t.equal((await phone.ask({ challenge })).status, 200)
    const replayed = await phone.ask({ challenge })
    t.equal(replayed.status, 401)
    t.ok(readChallenge(challengeOf(replayed)).stale)
    t.equal((await phone.ask({ challenge, nc: 2 })).status, 200, 'the next nonce count is good')
    t.equal((await phone.ask({ challenge: challengeOf(replayed) })).status, 200, 'and so is the fresh nonce')
  },

  'user names of any character that sipauthd takes register, and their bindings are their own': async (
    t,
    system,
    { realm, addUser },
  ) => {
    const names = ['+15551234567', 'a&b%c', 'Alice', '%61lice', 'b=c;d', 'e?f#g', 'x!~*($)']
    for (const username of names) {
      await addUser(username)
      const phone = await startPhone(t, system.kamailio, { username, realm })
      const answer = await phone.logIn()
      t.equal(answer.status, 200, username)
      t.match(answer.one('Contact'), `:${phone.port};`, username)
      t.notMatch(answer.one('Contact'), ',', `${username} has one binding`)
    }
  },

  'an address of record that is not the user is refused with 403': async (t, system, { realm }) => {
    const phone = await startPhone(t, system.kamailio, { username: 'alice', realm })
    t.equal((await phone.logIn({ to: `<sip:bob@${realm}>` })).status, 403)
  },

  'the realm is that of the address of record: credentials of another tenant are not asked for, nor accepted': async (
    t,
    system,
    { realm },
  ) => {
    const other = await system.createTenant('Brewery')
    const phone = await startPhone(t, system.kamailio, { username: 'alice', realm })
    const own = challengeOf(await phone.ask())
    const answer = await phone.ask({ challenge: own, to: `<sip:alice@${other.realm}>` })
    t.equal(answer.status, 401)
    t.equal(readChallenge(challengeOf(answer)).realm, other.realm)
  },

  'of several Authorization headers the one for the realm counts': async (t, system, { realm }) => {
    const phone = await startPhone(t, system.kamailio, { username: 'alice', realm })
    const foreign =
      'Authorization: Digest username="a", realm="elsewhere.example", nonce="n", uri="sip:elsewhere.example", ' +
      `response="${'0'.repeat(32)}", nc=00000001, cnonce="c", qop=auth`
    t.equal((await phone.logIn({ lines: [foreign] })).status, 200, 'it comes first')
    const text = phone.write({ challenge: challengeOf(await phone.ask()) })
    const swapped = text.replace(/(Authorization: [^\r]+)/, `${foreign}\r\n$1`)
    t.equal((await phone.ask(swapped)).status, 200, 'it comes second')
  },

  'credentials that go on in the next line are one value': async (t, system, { realm }) => {
    const phone = await startPhone(t, system.kamailio, { username: 'alice', realm })
    const text = phone.write({ challenge: challengeOf(await phone.ask()) })
    t.equal((await phone.ask(text.replaceAll(/", /g, '",\r\n\t'))).status, 200)
  },

  'a digest uri that is not the Request-URI, and credentials that cannot be read, get 400': async (
    t,
    system,
    { realm },
  ) => {
    const phone = await startPhone(t, system.kamailio, { username: 'alice', realm })
    const challenge = challengeOf(await phone.ask())
    t.equal((await phone.ask({ challenge, digestUri: 'sip:elsewhere.example' })).status, 400)
    t.equal((await phone.ask({ lines: ['Authorization: Digest nonsense'] })).status, 400)
    const many = Array.from({ length: 9 }, () => 'Authorization: Digest realm="x"')
    t.equal((await phone.ask({ lines: many })).status, 400)
  },

  'what the registrar refuses gets one answer': async (t, system, { realm }) => {
    const phone = await startPhone(t, system.kamailio, { username: 'alice', realm })
    const answer = await phone.logIn({ contact: '*', lines: ['Expires: 60'] })
    t.equal(answer.status, 400)
    t.equal((await phone.ask({ method: 'OPTIONS' })).status, 200)
    t.notMatch(system.kamailio.log(), /ERROR: tm/)
  },

  'a message that is too large, or goes in circles, is refused before sipauthd is asked': async (t, system, tenant) => {
    const phone = await startPhone(t, system.kamailio, { username: 'alice', realm: tenant.realm })
    const before = await system.verdicts('no_credentials')
    t.equal((await phone.ask({ lines: [`X-Filler: ${'x'.repeat(17_000)}`] })).status, 513)
    t.equal((await phone.ask(phone.write().replace('Max-Forwards: 70', 'Max-Forwards: 0'))).status, 483)
    t.equal((await phone.ask(phone.write().replace(/CSeq: (\d+) REGISTER/, 'CSeq: $1 INVITE'))).status, 400)
    t.equal(await system.verdicts('no_credentials'), before)
  },

  'OPTIONS to the proxy itself is answered without credentials': async (t, system, { realm }) => {
    const phone = await startPhone(t, system.kamailio, { username: 'alice', realm })
    t.equal((await phone.ask({ method: 'OPTIONS' })).status, 200)
  },

  'every challenge that is offered reaches the phone, each in its own header': async (t, system, { realm }) => {
    await system.restart({ ALGORITHMS: 'MD5,SHA-256' })
    for (const transport of ['udp', 'tcp'] as const) {
      const phone = await startPhone(t, system.kamailio, { username: 'alice', realm }, transport)
      const challenges = (await phone.ask()).all('WWW-Authenticate')
      t.strictSame(
        challenges.map((challenge) => readChallenge(challenge).algorithm),
        ['MD5', 'SHA-256'],
      )
      for (const [index, challenge] of challenges.entries()) {
        t.equal((await phone.ask({ challenge, nc: index + 1 })).status, 200)
      }
    }
  },

  'an expired nonce is answered with stale=true, and the fresh one registers': async (t, system, { realm }) => {
    await system.restart({ NONCE_TTL: '1' })
    const phone = await startPhone(t, system.kamailio, { username: 'alice', realm })
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
