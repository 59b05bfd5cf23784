import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { createNonces } from '../src/digest/nonce.js'
import { answer, REALM, URI } from './auth/phone.js'
import { optionsPing } from './fixtures/options-ping.js'
import { freePort } from './fixtures/ports.js'
import { startPostgres } from './fixtures/postgres.js'
import { runProcess } from './fixtures/process.js'
import { projectPath } from './fixtures/project.js'
import { scratchFolder } from './fixtures/scratch.js'
import { launchSipauthd, runSipauthd, startSipauthd } from './fixtures/sipauthd.js'
import { createTenant, KNOWN_TOKENS } from './fixtures/tenant.js'
import { until } from './fixtures/until.js'
import { createProxy } from './lookup/proxy.js'

const postgres = await startPostgres(t)

/** What the README's tour has for a shell and for the official client, at a server's own ports. */
function readTour({ api, auth }: { readonly api: string; readonly auth: string }) {
  const [, tour = ''] =
    /## A tour in five minutes\n(.*?)\n## /s.exec(readFileSync(projectPath('README.md'), 'utf8')) ?? []
  const blocks = (language: string) =>
    [...tour.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))]
      .map(([, block = '']) => block)
      .join('\n')
      .replaceAll('http://127.0.0.1:8080', api)
      .replaceAll('http://127.0.0.1:8081', auth)
  return { shell: blocks('sh'), client: blocks('js') }
}

t.test('a first start on nothing but a folder', async (t) => {
  const DATA_DIR = join(await scratchFolder('first start'), "it's new")
  const server = await startSipauthd(t, { env: { DATA_DIR } })
  const secrets = readFileSync(join(DATA_DIR, 'secrets.env'), 'utf8')

  t.test('prints one ready line with the addresses it bound, and then its secrets once', async (t) => {
    await server.waitForLog(/baresip -f .*\n/)
    const [line = ''] = server.stdout().split('\n')
    t.match(line, /^ready api=http:\/\/127\.0\.0\.1:\d+ auth=http:\/\/127\.0\.0\.1:\d+ sip=127\.0\.0\.1:\d+$/)
    t.equal(server.stdout().match(/^ready/gm)?.length, 1)
    for (const name of ['MASTER_ACCOUNT_SID', 'MASTER_AUTH_TOKEN', 'PROXY_TOKEN']) {
      const [, value = 'none'] = new RegExp(`^${name}='(.*)'$`, 'm').exec(secrets) ?? []
      t.ok(server.stdout().includes(`${name}=${value}\n`), name)
    }
    t.notMatch(server.stdout(), /NONCE_SECRET/)
    t.equal(statSync(join(DATA_DIR, 'secrets.env')).mode & 0o777, 0o600)
    t.notMatch(server.stderr(), /FSTDEP|Deprecat|Warning/i, 'no library complains')
  })

  t.test('serves at the three of them', async (t) => {
    const proxy = createProxy(server.auth, REALM)
    t.match(await proxy.ask('/readyz'), { status: 200, json: { ready: true, stores: { postgres: 'up' } } })
    t.match(await proxy.ask('/healthz'), { status: 200 })
    const { host, port } = server.sip
    t.equal(await optionsPing({ host, port }, AbortSignal.timeout(60_000)), 200)
    t.match(await createProxy(server.api, REALM).ask('/2010-04-01/Accounts.json'), { status: 401 })
  })

  t.test('refuses a second process on the same folder', async (t) => {
    const second = await launchSipauthd(t, { DATA_DIR })
    t.same(await second.exit, { code: 2, signal: null })
    t.match(second.stderr(), /DATA_DIR .* is in use by another sipauthd/)
    t.equal(second.stdout(), '')
  })

  const pasted = t.test('prints first steps that can be pasted into a shell, anywhere', async (t) => {
    const [, steps = ''] = server.stdout().split('First steps, to be pasted into a shell:\n')
    const elsewhere = await scratchFolder('elsewhere')
    const shell = await runProcess({ command: 'bash', args: ['-c', steps], cwd: elsewhere, env: { TMPDIR: elsewhere } })
    t.equal(
      shell.stderr.replaceAll(/^.*(?:ua:|baresip|mod|conf|Local|Populated|aucodec|audio|menu).*$/gim, '').trim(),
      '',
    )
    const [created, challenge, verdict] = shell.stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
    t.match(created, { username: /^alice\d+$/, sid: /^CR/ }, 'a credential in a list')
    t.match(challenge, { status: 401, reason: 'no_credentials', headers: [/^WWW-Authenticate: Digest /] })
    t.match(verdict, { status: 200, reason: 'ok', username: created.username })
    t.match(shell.stdout, /\b200 OK\b.*\[\d+ binding/, 'a phone that is registered')
    return created
  })

  t.test('lists what the first steps have made', async (t) => {
    await pasted
    const [, sid = '', token = ''] = /MASTER_ACCOUNT_SID='(.*)'\nMASTER_AUTH_TOKEN='(.*)'/.exec(secrets) ?? []
    const tenant = await createTenant(server.api, REALM, { sid, token })
    await tenant.add('bob')
    t.match(await tenant.request('SIP/CredentialLists.json'), {
      json: { credential_lists: [{ friendly_name: `list of ${REALM}` }, { friendly_name: /^phones \d+$/ }] },
    })
  })

  t.test("the README's tour can be pasted beside it", async (t) => {
    await pasted
    const folder = await scratchFolder('tour')
    symlinkSync(DATA_DIR, join(folder, 'data'))
    symlinkSync(projectPath('node_modules'), join(folder, 'node_modules'))
    const { shell, client } = readTour(server)
    writeFileSync(join(folder, 'tour.mjs'), client)
    const pasting = await runProcess({
      command: 'bash',
      args: ['-c', `${shell}\nnode tour.mjs && echo '{"client":"done"}'`],
      cwd: folder,
    })
    t.match(pasting.stderr, /"domain_name":"voice.example.com"/)
    t.notMatch(pasting.stderr, /"code":|curl:|Error/)
    const answers = pasting.stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
    const verdicts = answers.filter(({ reason }) => reason !== undefined)
    t.strictSame(
      verdicts.map(({ status, reason }) => `${status} ${reason}`),
      [
        ...['401 no_credentials', '200 ok', '200 ok', '403 not_allowed', '401 bad_response'],
        ...['401 no_credentials', '403 not_allowed'],
      ],
    )
    t.match(
      answers.find(({ meta }) => meta),
      { meta: { total: Number }, objects: [{ username: 'bob', password: '<redacted>' }] },
    )
    t.match(answers.at(-1), { client: 'done' })
  })

  t.test('and a second start finds everything again, and announces nothing', async (t) => {
    t.same(await server.stop(), { code: 0, signal: null })
    const again = await startSipauthd(t, { env: { DATA_DIR } })
    await again.waitForLog(/baresip -f .*\n/)
    t.equal(readFileSync(join(DATA_DIR, 'secrets.env'), 'utf8'), secrets)
    t.notMatch(again.stdout(), /shown this once|AUTH_TOKEN=/)
    const [, token = ''] = /^PROXY_TOKEN='(.*)'$/m.exec(secrets) ?? []
    const headers = { authorization: `Bearer ${token}` }
    const proxy = createProxy(again.auth, REALM)
    const form = { method: 'REGISTER', realm: REALM }
    const { json } = await proxy.ask('/v1/verify', { form, headers })
    const [, nonce = ''] = /nonce="([^"]*)"/.exec(JSON.stringify(json).replaceAll('\\', '')) ?? []
    const authorization = answer({ nonce, algorithm: 'MD5', qop: ['auth'] }, { username: 'bob' })
    t.match(await proxy.ask('/v1/verify', { form: { ...form, authorization }, headers }), { status: 200 })
  })
})

t.test('the first steps answer whatever is challenged', async (t) => {
  const offer = { ALGORITHMS: 'SHA-512-256,MD5', QOP: 'none', SIP_PORT: 'off', PROXY_TOKEN: KNOWN_TOKENS.PROXY_TOKEN }
  const server = await startSipauthd(t, { env: { ...offer, DATABASE_URL: await postgres.createDatabase() } })
  await server.waitForLog(/eval .*; echo\n\n/)
  const [, steps = ''] = server.stdout().split('First steps, to be pasted into a shell:\n')
  t.match(steps, /^# PROXY_TOKEN must be set here as for the server$/m)
  const env = { PROXY_TOKEN: KNOWN_TOKENS.PROXY_TOKEN }
  const shell = await runProcess({ command: 'bash', args: ['-c', steps], cwd: '/', env })
  t.match(shell.stdout.trim().split('\n').at(-1), /^\{"status":200,"reason":"ok"/)
  t.notMatch(steps, /baresip/, 'without native SIP there is no phone to register')
})

t.test('a port that is taken is named beside every other fault, before anything is opened', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const API_PORT = String((taken.address() as AddressInfo).port)
  const DATA_DIR = join(await scratchFolder('not opened'), 'data')
  const faulty = await launchSipauthd(t, { DATA_DIR, API_PORT, NONCE_TTL: '0', SIP_PORT: 'none' })
  t.same(await faulty.exit, { code: 2, signal: null })
  t.same(faulty.stderr().match(/^ {2}\w+ /gm), ['  SIP_PORT ', '  NONCE_TTL ', '  API_PORT '])
  const unopened = await launchSipauthd(t, { DATA_DIR, API_PORT })
  t.same(await unopened.exit, { code: 2, signal: null })
  t.throws(() => statSync(DATA_DIR), { code: 'ENOENT' })
  const command = await runSipauthd(['account', 'list'], { DATABASE_URL: await postgres.createDatabase(), API_PORT })
  t.equal(command.code, 0, 'a command that does not listen needs no port')
})

t.test('ports that are taken are named at once, with exit code 2 and nothing left listening', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  const udp = createSocket('udp4').bind(0, '127.0.0.1')
  await Promise.all([once(taken, 'listening'), once(udp, 'listening')])
  t.teardown(() => void [taken.close(), udp.close()])
  const [AUTH_PORT, SIP_WS_PORT] = [String(await freePort()), String(await freePort())]
  const API_PORT = String((taken.address() as AddressInfo).port)
  const SIP_PORT = String(udp.address().port)
  const env = { ...KNOWN_TOKENS, DATABASE_URL: await postgres.createDatabase() }
  const server = await launchSipauthd(t, { ...env, API_PORT, AUTH_PORT, SIP_PORT, SIP_WS_PORT })
  t.same(await server.exit, { code: 2, signal: null })
  t.equal(server.stdout(), '')
  const faults = server.stderr().match(/^ {2}\w+_PORT .*$/gm)
  t.same(faults, [
    `  API_PORT is taken by another program (127.0.0.1:${API_PORT})`,
    `  SIP_PORT is taken by another program (127.0.0.1:${SIP_PORT})`,
  ])
  for (const port of [AUTH_PORT, SIP_WS_PORT]) {
    const socket = connect(Number(port), '127.0.0.1')
    await t.rejects(once(socket, 'connect'), { code: 'ECONNREFUSED' })
  }
})

t.test(
  'SIGTERM while a request is being answered: it is answered, all is closed, and the process ends with 0',
  async (t) => {
    const env = { ...KNOWN_TOKENS, DATABASE_URL: await postgres.createDatabase() }
    const server = await startSipauthd(t, { env })
    const tenant = await createTenant(server.api, REALM)
    postgres.pause()
    const created = tenant.add('alice')
    // The write waits for the paused database; the line of the stop is after the request's arrival.
    await until(async () => (await createProxy(server.auth, REALM).ask('/readyz')).status === 200)
    await once(await writeHalf(server.api), 'data')
    const silent = [server.api, server.auth].map((url) => connect(Number(new URL(url).port), '127.0.0.1'))
    for (const socket of silent) socket.on('error', () => undefined)
    await Promise.all(silent.map((socket) => once(socket, 'connect')))
    server.signal('SIGTERM')
    await server.waitForLog(/"stopping"/)
    postgres.resume()
    t.match(await created, /^CR/, 'what ran was answered')
    t.same(await server.exit, { code: 0, signal: null })
    t.notMatch(
      server.log(),
      /not close cleanly|not everything was closed/,
      'connections that say nothing hold nothing up',
    )
  },
)

/** A connection on which a request has been answered: the server has read what came before it too. */
async function writeHalf(url: string) {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write('GET /2010-04-01/Accounts.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  return socket
}

t.test('SIGTERM during a start that waits for its database ends it with 0, and nothing is announced', async (t) => {
  const port = await freePort()
  const env = { ...KNOWN_TOKENS, DATABASE_URL: `postgres://127.0.0.1:${port}/none` }
  const server = await launchSipauthd(t, env)
  await server.waitFor(/does not answer yet; it is waited for/)
  server.signal('SIGTERM')
  t.same(await server.exit, { code: 0, signal: null })
  t.equal(server.stdout(), '')
  t.equal(server.stderr().split('does not answer yet').length, 2, 'which is told once')
  t.notMatch(server.stderr(), /"stack"/)
})

t.test('with DRAIN_DELAY a node that is stopping is unready and goes on, until a second signal', async (t) => {
  const env = { ...KNOWN_TOKENS, DATABASE_URL: await postgres.createDatabase(), DRAIN_DELAY: '3600' }
  const server = await startSipauthd(t, { env })
  const tenant = await createTenant(server.api, REALM)
  server.signal('SIGTERM')
  const proxy = createProxy(server.auth, REALM)
  await until(async () => (await proxy.ask('/readyz')).status === 503)
  t.match(await tenant.add('alice'), /^CR/, 'all else goes on')
  t.match(await proxy.attempt(), { status: 200 })
  server.signal('SIGTERM')
  t.same(await server.exit, { code: 0, signal: null })
})

t.test('a second signal ends a process that is stopping at once', async (t) => {
  const server = await startSipauthd(t, { env: { ...KNOWN_TOKENS, DATABASE_URL: await postgres.createDatabase() } })
  const tenant = await createTenant(server.api, REALM)
  postgres.pause()
  const cut = t.rejects(tenant.add('alice'), 'the request that held it up is cut off')
  await once(await writeHalf(server.api), 'data')
  server.signal('SIGINT')
  await server.waitForLog(/"stopping"/)
  server.signal('SIGINT')
  t.same(await server.exit, { code: 1, signal: null })
  postgres.resume()
  await cut
})

t.test('on SIGHUP the newest secret of NONCE_SECRET_FILE signs, and the older ones are still good', async (t) => {
  const NONCE_SECRET_FILE = join(await scratchFolder('nonces'), 'secrets')
  writeFileSync(NONCE_SECRET_FILE, 'the-first-secret\n')
  const env = {
    ...KNOWN_TOKENS,
    NONCE_SECRET_FILE,
    NONCE_SECRET_DELAY: '0',
    DATABASE_URL: await postgres.createDatabase(),
  }
  const server = await startSipauthd(t, { env })
  await (await createTenant(server.api, REALM)).add('alice')
  const proxy = createProxy(server.auth, REALM)
  const isSignedBy = (secret: string, nonce: string) =>
    createNonces({ secrets: [secret], lifetimeSeconds: 300, now: Date.now }).check(nonce, REALM).kind
  const old = await proxy.challenge()
  t.equal(isSignedBy('the-first-secret', old.nonce), 'fresh')

  const reload = async (text: string, told: RegExp) => {
    const from = server.log().length
    writeFileSync(NONCE_SECRET_FILE, text)
    server.signal('SIGHUP')
    await server.waitForLog(told, { from })
  }
  await reload('the-second-secret\nthe-first-secret\n', /nonce secrets read again/)
  t.equal(isSignedBy('the-second-secret', (await proxy.challenge()).nonce), 'fresh')
  t.match(await proxy.verify({ authorization: answer(old), uri: URI }), { status: 200 })

  await reload('short', /the nonce secrets stay as they were/)
  t.equal(isSignedBy('the-second-secret', (await proxy.challenge()).nonce), 'fresh')
  await reload('the-second-secret', /nonce secrets read again/)
  const late = await proxy.verify({ authorization: answer(old, { nc: '00000002' }), uri: URI })
  t.match(late, { status: 401, json: { reason: 'bad_nonce' } }, 'a secret that is taken out is out')
  t.notMatch(server.log(), /the-(first|second)-secret/)
})
