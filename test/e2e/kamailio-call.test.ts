import t, { type Test } from 'tap'
import { readChallenge } from '../fixtures/digest-answer.js'
import { freePort } from '../fixtures/ports.js'
import { type RunningProcess, startProcess } from '../fixtures/process.js'
import { projectPath } from '../fixtures/project.js'
import { scratchFolder } from '../fixtures/scratch.js'
import type { SipAnswer } from '../sip/request.js'
import { type KamailioSystem, startSystem } from './kamailio-system.js'
import { challengeOf, type RegisteringPhone, startPhone } from './registering-phone.js'
import type { Tenant } from './twilio-tenant.js'

/** Two users of a tenant who have registered, and what they work with. */
interface Pair {
  system: KamailioSystem
  tenant: Tenant
  alice: RegisteringPhone
  bob: RegisteringPhone
  /** Where bob is called. */
  uri: string
}

t.test('calls go through Kamailio', async (t) => {
  const system = await startSystem(t)
  const tenant = await system.createTenant('Bakery')
  const { realm } = tenant
  await Promise.all([tenant.addUser('alice'), tenant.addUser('bob')])
  for (const [name, test] of Object.entries(tests)) {
    await t.test(name, async (t) => {
      const alice = await startPhone(t, system.kamailio, { username: 'alice', realm })
      const bob = await startPhone(t, system.kamailio, { username: 'bob', realm })
      await bob.logIn({ lines: ['Expires: 0'], contact: '*' })
      t.equal((await bob.logIn()).status, 200)
      await test(t, { system, tenant, alice, bob, uri: `sip:bob@${realm}` })
    })
  }
})

const tests: Record<string, (t: Test, pair: Pair) => Promise<void>> = {
  'an INVITE is challenged with 407, reaches the callee, and its dialog needs no credentials': async (t, pair) => {
    const { alice, bob, uri } = pair
    const port = await freePort()
    const callee = await startCallee(t, port)
    await bob.logIn({ lines: ['Expires: 0'], contact: '*' })
    t.equal((await bob.logIn({ contactPort: port })).status, 200)

    const [callId, to] = ['a-call', `<${uri}>`]
    const first = await alice.ask({ method: 'INVITE', uri, to, callId, cseq: 1 })
    t.equal(first.status, 407)
    t.strictSame(first.all('WWW-Authenticate'), [])
    const challenge = challengeOf(first)
    const answer = await alice.ask({ method: 'INVITE', uri, to, callId, cseq: 2, challenge })
    t.equal(answer.status, 200)
    const dialog = { callId, to: answer.one('To'), uri: targetOf(answer), lines: routesOf(answer) }
    alice.send(alice.write({ method: 'ACK', cseq: 2, ...dialog }))
    t.equal((await alice.ask({ method: 'BYE', cseq: 3, ...dialog })).status, 200)
    t.equal((await callee.exit).code, 0)
  },

  'a call from UDP to TCP keeps its key on both sides of the proxy': async (
    t,
    { system, alice, tenant: { realm } },
  ) => {
    const bob = await startPhone(t, system.kamailio, { username: 'bob', realm }, 'tcp')
    await bob.logIn({ lines: ['Expires: 0'], contact: '*' })
    t.equal((await bob.logIn()).status, 200)
    const [callId, uri] = ['a-bridged-call', `sip:bob@${realm}`]
    const answer = alice.logIn({ method: 'INVITE', uri, to: `<${uri}>`, callId, cseq: 1 })
    const invite = await bob.receive()
    const contact = `Contact: <sip:phone@127.0.0.1:${bob.port};transport=tcp>`
    bob.send(replyTo(invite, '200 OK', contact))
    const ok = await answer
    t.equal(ok.all('Record-Route').join().split(',').length, 2)

    const dialog = { callId, to: ok.one('To'), uri: targetOf(ok), lines: routesOf(ok) }
    alice.send(alice.write({ method: 'ACK', cseq: 1, ...dialog }))
    t.match((await bob.receive()).text, /^ACK /)
    const bye = alice.ask({ method: 'BYE', cseq: 2, ...dialog })
    const arrived = await bob.receive()
    t.match(arrived.text, /^BYE /)
    bob.send(replyTo(arrived, '200 OK'))
    t.equal((await bye).status, 200)
  },

  'the callee sees no Proxy-Authorization, and a CANCEL is never challenged': async (t, { alice, bob, uri }) => {
    const [callId, to] = ['a-cancelled-call', `<${uri}>`]
    const challenge = challengeOf(await alice.ask({ method: 'INVITE', uri, to, callId, cseq: 1 }))
    const invite = alice.write({ method: 'INVITE', uri, to, callId, cseq: 2, challenge })
    const answer = alice.ask(invite)
    const arrived = await bob.receive()
    t.match(arrived.text, /^INVITE sip:phone@/)
    t.strictSame(arrived.all('Proxy-Authorization'), [])
    bob.send(replyTo(arrived, '180 Ringing'))

    const canceller = invite.replace(/^INVITE/, 'CANCEL').replace('CSeq: 2 INVITE', 'CSeq: 2 CANCEL')
    alice.send(canceller.replace(/Proxy-Authorization: [^\r]*\r\n/, ''))
    const cancel = await bob.receive()
    t.match(cancel.text, /^CANCEL /)
    bob.send(replyTo(cancel, '200 OK'))
    bob.send(replyTo(arrived, '487 Request Terminated'))
    t.equal((await answer).status, 487)
  },

  'who calls as somebody else is refused with 403': async (t, { alice, uri, tenant: { realm } }) => {
    const answer = await alice.logIn({ method: 'INVITE', uri, to: `<${uri}>`, from: `<sip:bob@${realm}>;tag=1` })
    t.equal(answer.status, 403)
  },

  "the caller's realm is asked for, whoever is called": async (t, { system, alice, uri, tenant: { realm } }) => {
    const other = await system.createTenant('Brewery')
    const elsewhere = `sip:bob@${other.realm}`
    const calling = challengeOf(await alice.ask({ method: 'INVITE', uri: elsewhere, to: `<${elsewhere}>` }))
    t.equal(readChallenge(calling).realm, realm)
    const challenge = challengeOf(await alice.ask({ method: 'INVITE', uri, to: `<${uri}>` }))
    const from = `<sip:alice@${other.realm}>;tag=1`
    const posing = await alice.ask({ method: 'INVITE', uri, to: `<${uri}>`, from, challenge })
    t.equal(posing.status, 407)
    t.equal(readChallenge(challengeOf(posing)).realm, other.realm)
  },

  'who has no binding is 404, only to those who may ask': async (t, { alice, tenant: { realm } }) => {
    const uri = `sip:nobody@${realm}`
    t.equal((await alice.ask({ method: 'INVITE', uri, to: `<${uri}>` })).status, 407)
    t.equal((await alice.logIn({ method: 'INVITE', uri, to: `<${uri}>` })).status, 404)
  },

  'at a SIP domain one list registers and another calls': async (t, { system, tenant, alice, bob }) => {
    const domain = `pbx.${tenant.realm}`
    const phones = await tenant.addListOf('desk')
    await tenant.addDomain(domain, { calls: [tenant.listSid], registrations: [phones] })
    const desk = await startPhone(t, system.kamailio, { username: 'desk', realm: domain })
    const challenge = challengeOf(await desk.ask())
    t.equal(readChallenge(challenge).realm, tenant.realm)
    t.equal((await desk.ask({ challenge })).status, 200)
    const registering = await startPhone(t, system.kamailio, { username: 'alice', realm: domain })
    t.equal((await registering.logIn()).status, 403, 'who may call may not register')
    t.equal((await alice.logIn()).status, 200, 'but at the realm itself')

    const [uri, callId] = [`sip:desk@${domain}`, 'a-call-at-a-domain']
    const answer = alice.logIn({ method: 'INVITE', uri, to: `<${uri}>`, callId })
    const invite = await desk.receive()
    t.match(invite.text, /^INVITE sip:phone@/)
    desk.send(replyTo(invite, '486 Busy Here'))
    t.equal((await answer).status, 486)
    t.match((await desk.receive()).text, /^ACK /)
    const calling = { method: 'INVITE', uri, to: `<${uri}>` }
    t.equal((await desk.logIn(calling)).status, 403, 'who may register may not call')
    const guesser = await startPhone(t, system.kamailio, {
      username: 'desk',
      realm: domain,
      password: 'Wrong-Horse-77',
    })
    t.equal((await guesser.logIn(calling)).status, 407, 'which is nobody told without the password')
    await bob
      .logIn({ method: 'INVITE', uri: `sip:nobody@${domain}`, to: `<sip:nobody@${domain}>` })
      .then(({ status }) => t.equal(status, 404, 'who is not registered there is not found there'))
  },

  'a call from an admitted address needs no credentials, and only to that domain': async (
    t,
    { system, tenant, bob },
  ) => {
    const [near, far] = [`near.${tenant.realm}`, `far.${tenant.realm}`]
    const phones = await tenant.addListOf('front')
    await tenant.addDomain(near, { registrations: [phones], block: '127.0.0.0/8' })
    await tenant.addDomain(far, { registrations: [phones], block: '192.0.2.0/24' })
    const front = await startPhone(t, system.kamailio, { username: 'front', realm: near })
    t.equal((await front.logIn()).status, 200, 'a phone registers there with its password')
    const trunk = await startPhone(t, system.kamailio, { username: '+4930123456', realm: 'elsewhere.example' })
    const call = (uri: string) => trunk.ask({ method: 'INVITE', uri, to: `<${uri}>` })

    const answer = call(`sip:front@${near}`)
    const invite = await front.receive()
    t.match(invite.text, /^INVITE sip:phone@/)
    t.match(invite.one('From'), '<sip:+4930123456@elsewhere.example>')
    front.send(replyTo(invite, '486 Busy Here'))
    t.equal((await answer).status, 486)
    t.equal((await call(`sip:front@${far}`)).status, 403, 'the address is not admitted')
    t.equal((await call(`sip:bob@${tenant.realm}`)).status, 407, 'the realm is no domain')
    const uri = `sip:front@${near}`
    const lines = [`Route: <sip:127.0.0.1:${system.kamailio.port};lr>, <sip:127.0.0.1:${bob.port};lr>`]
    const forged = await trunk.ask({ method: 'INVITE', uri, to: `<${uri}>;tag=forged`, lines })
    t.equal(forged.status, 407, 'and no Route leads elsewhere')
    t.equal(readChallenge(challengeOf(forged)).realm, 'elsewhere.example')
  },

  'a To tag and a Route let no stranger in': async (t, { system, alice, bob, uri }) => {
    const to = `<${uri}>;tag=forged`
    const uriOfBob = `sip:bob@127.0.0.1:${bob.port}`
    const self = `127.0.0.1:${system.kamailio.port}`
    for (const key of ['', ';sa=', `;sa=${'0'.repeat(32)}`]) {
      const lines = [`Route: <sip:${self};lr${key}>`]
      for (const method of ['INVITE', 'MESSAGE', 'BYE', 'REFER']) {
        t.equal((await alice.ask({ method, uri: uriOfBob, to, lines })).status, 407, `${method} ${key}`)
      }
      t.equal((await alice.ask({ method: 'PRACK', uri: uriOfBob, to, lines })).status, 481, `PRACK ${key}`)
      alice.send(alice.write({ method: 'ACK', uri: uriOfBob, to, lines }))
    }
    t.equal((await alice.ask({ method: 'INVITE', uri: uriOfBob, to })).status, 404, 'without a Route it leads nowhere')
    const message = alice.logIn({ method: 'MESSAGE', uri, to: `<${uri}>` })
    const arrived = await bob.receive()
    t.match(arrived.text, /^MESSAGE /, 'nothing of all that has reached the callee')
    bob.send(replyTo(arrived, '200 OK'))
    t.equal((await message).status, 200)
  },
}

/** SIPp waits for one call; it exits with 0 when that went as its scenario says, ACK and BYE included. */
async function startCallee(t: Test, port: number): Promise<RunningProcess> {
  const args = ['-sf', projectPath('test/fixtures/sipp/answer.xml'), '-i', '127.0.0.1', '-p', String(port), '-m', '1']
  args.push('-mp', String(await freePort()), '-nostdin', '-timeout', '15s', '-timeout_error')
  return startProcess(t, { command: 'sipp', args, cwd: await scratchFolder('callee') })
}

/** The URI in an answer's Contact. */
function targetOf(answer: SipAnswer): string {
  return /<([^>]+)>/.exec(answer.one('Contact'))?.[1] ?? ''
}

/** The Route lines that requests within the dialog carry: the Record-Routes of the answer, reversed (RFC 3261 12.1.2). */
function routesOf(answer: SipAnswer): string[] {
  return answer
    .all('Record-Route')
    .flatMap((routes) => routes.split(/, */))
    .reverse()
    .map((route) => `Route: ${route}`)
}

/** A reply to a request that reached a phone. */
function replyTo(request: SipAnswer, status: string, ...lines: string[]): string {
  const kept = request.text.split('\r\n').filter((line) => /^(Via|From|To|Call-ID|CSeq|Record-Route):/i.test(line))
  const tagged = kept.map((line) => (/^To:/i.test(line) && !/;tag=/.test(line) ? `${line};tag=callee` : line))
  return [`SIP/2.0 ${status}`, ...tagged, ...lines, 'Content-Length: 0', '', ''].join('\r\n')
}
