import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readChallenge } from '../fixtures/digest-answer.js'
import { projectPath } from '../fixtures/project.js'
import { scratchFolder } from '../fixtures/scratch.js'
import { withinASecond } from '../fixtures/until.js'
import { startShippedKamailio, startSystem } from './kamailio-system.js'
import { challengeOf, startPhone } from './registering-phone.js'

/** The configurations in kamailio/README.md, in their order. */
function readmeConfigurations(): [existing: string, redis: string] {
  const text = readFileSync(projectPath('kamailio/README.md'), 'utf8')
  const [existing, redis] = Array.from(text.matchAll(/```kamailio\n(.*?)```/gs), ([, block]) => block)
  if (!existing || !redis) throw new Error('kamailio/README.md has no two configurations')
  return [existing, redis]
}

t.test("the README's configurations work as they stand", async (t) => {
  const system = await startSystem(t)
  const { realm, ...tenant } = await system.createTenant('Bakery')
  const credential = await tenant.addUser('alice')
  const [existing, redis] = readmeConfigurations()
  const folder = await scratchFolder('readme')
  const write = (name: string, text: string) => {
    const config = join(folder, name)
    writeFileSync(config, `#!KAMAILIO\n${text}`)
    return config
  }

  await t.test('the route registers phones in an existing configuration', async (t) => {
    copyFileSync(projectPath('kamailio/sipauth.cfg'), join(folder, 'sipauth.cfg'))
    const kamailio = await startShippedKamailio(t, system.address, { config: write('existing.cfg', existing) })
    const phone = await startPhone(t, kamailio, { username: 'alice', realm })
    const text = phone.write({ challenge: challengeOf(await phone.ask()) })
    t.equal((await phone.ask(text)).status, 200)
    t.equal((await phone.ask(text)).status, 200, 'a retransmission is no replay')
    t.equal((await phone.logIn({ method: 'INVITE', uri: `sip:bob@${realm}` })).status, 404)
    const guesser = await startPhone(t, kamailio, { username: 'alice', realm, password: 'Wrong-Horse-77' })
    t.equal((await guesser.logIn()).status, 401)
    await system.sipauthd().stop()
    t.equal((await phone.ask()).status, 503)
    await system.restart()
  })

  await t.test('the route that reads Redis registers phones without sipauthd', async (t) => {
    const asked = existing
      .replace('include_file "sipauth.cfg"', redis)
      .replace('route(SIPAUTH);', 'route(SIPAUTH_REDIS);')
    const config = write('redis.cfg', asked.replace('/run/redis/redis-server.sock', system.redis.socket))
    const kamailio = await startShippedKamailio(t, system.address, { config })
    const phone = await startPhone(t, kamailio, { username: 'alice', realm })
    const text = phone.write({ challenge: challengeOf(await phone.ask()) })
    t.equal((await phone.ask(text)).status, 200)
    t.equal((await phone.ask(text)).status, 200, 'a retransmission is no replay')
    const replayed = await phone.ask(text.replace('branch=z9hG4bK', 'branch=z9hG4bKother'))
    t.equal(replayed.status, 401)
    t.ok(readChallenge(challengeOf(replayed)).stale)
    t.equal((await phone.logIn({ to: `<sip:bob@${realm}>` })).status, 403)
    for (const [username, status] of Object.entries({ nobody: 401, 'a:b': 403, 'a b': 403, 'a\\b': 403 })) {
      const stranger = await startPhone(t, kamailio, { username, realm })
      const address = `<sip:x@${realm}>`
      t.equal((await stranger.logIn({ to: address, from: `${address};tag=1` })).status, status, username)
    }
    const guesser = await startPhone(t, kamailio, { username: 'alice', realm, password: 'Wrong-Horse-77' })
    t.equal((await guesser.logIn()).status, 401)

    await system.redis.cli('set', `sipauth:cred:${realm}:wrongtype`, 'x')
    const odd = await startPhone(t, kamailio, { username: 'wrongtype', realm })
    t.equal((await odd.logIn()).status, 503, 'an error of Redis is no HA1')
    await tenant.removeUser(credential)
    await withinASecond(async () => (await phone.logIn()).status === 401)
    await system.redis.stop()
    t.equal((await phone.logIn()).status, 503)
  })
})
