import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import type { SipAnswer } from '../sip/request.js'
import { startImpostor, startShippedKamailio, startSystem } from './kamailio-system.js'
import { askUntil, startPhone } from './registering-phone.js'

const FORM = 'application/x-www-form-urlencoded'
const CHALLENGE = 'Digest realm="a.example", nonce="n", algorithm=MD5, qop="auth"'

t.test('what sipauthd cannot answer', async (t) => {
  const system = await startSystem(t)
  const { realm, addUser } = await system.createTenant('Bakery')
  await addUser('alice')
  const phone = await startPhone(t, system.kamailio, { username: 'alice', realm })

  await t.test('stopped, phones get 503 with Retry-After, and 200 again when it is back', async (t) => {
    t.equal((await phone.logIn()).status, 200)
    await system.sipauthd().stop()
    unavailable(t, await phone.ask())
    unavailable(t, await phone.ask({ method: 'INVITE', uri: `sip:bob@${realm}` }))
    await system.restart()
    await askUntil(200, () => phone.logIn())
  })

  await t.test('hanging, phones get 503 when the timeout is over, and 200 again when it goes on', async (t) => {
    system.sipauthd().pause()
    unavailable(t, await askUntil(503, () => phone.ask()))
    unavailable(t, await phone.ask({ method: 'INVITE', uri: `sip:bob@${realm}` }))
    system.sipauthd().resume()
    await askUntil(200, () => phone.logIn())
  })

  await t.test('a wrong token is an outage, not a challenge', async (t) => {
    const defines = { SIPAUTHD_TOKEN: 'another-token' }
    const kamailio = await startShippedKamailio(t, system.address, { defines })
    const stranger = await startPhone(t, kamailio, { username: 'alice', realm })
    unavailable(t, await stranger.ask())
    t.match(kamailio.log(), /sipauthd gave no verdict: 401/)
  })

  await t.test('throttled phones get 503 with the Retry-After that sipauthd names', async (t) => {
    await system.restart({ THROTTLE_USER_FAILURES: '2', THROTTLE_BAN: '77' })
    const guesser = await startPhone(t, system.kamailio, { username: 'alice', realm, password: 'Wrong-Horse-77' })
    t.equal((await guesser.logIn()).status, 401)
    const refused = await askUntil(503, () => guesser.logIn())
    const seconds = Number(refused.one('Retry-After'))
    t.ok(seconds > 70 && seconds <= 77, `${seconds} s`)
    t.equal((await phone.logIn()).status, 503, 'the right password from there too')
  })
})

t.test('what is not an answer of sipauthd', async (t) => {
  const forms: URLSearchParams[] = []
  const sockets = new Set<unknown>()
  let answer = (response: ServerResponse): unknown => response.end()
  const address = await startImpostor(t, async (request, response) => {
    sockets.add(request.socket)
    forms.push(await readForm(request))
    t.match(request.headers, { 'content-type': FORM, authorization: /^Basic / })
    t.equal(request.url, '/v1/verify?format=text')
    answer(response)
  })
  const kamailio = await startShippedKamailio(t, address)
  const login = { username: 'alice', realm: 'a.example' }
  const phone = await startPhone(t, kamailio, login)

  for (const [title, status, headers, body] of NO_ANSWERS) {
    await t.test(`${title} is 503`, async (t) => {
      answer = (response) => response.writeHead(status, headers).end(body)
      unavailable(t, await phone.ask())
      unavailable(t, await phone.ask({ method: 'INVITE', uri: 'sip:bob@a.example' }))
    })
  }

  await t.test('what it says on success reaches the phone', async (t) => {
    answer = (response) => response.end('Authentication-Info: nextnonce="n"\r\n')
    const ok = await phone.ask()
    t.equal(ok.status, 200)
    t.equal(ok.one('Authentication-Info'), 'nextnonce="n"')
  })

  await t.test('a request is told byte for byte, whatever it holds', async (t) => {
    answer = (response) => response.writeHead(403).end()
    const user = 'a&realm=x+%zz'
    const odd = await startPhone(t, kamailio, { username: user, realm: 'a.example' })
    const authorizations = ['Digest username="b&c=d+e%66", realm="a"', 'Basic x', 'Digest realm="\u00fc", x=\'$(ru)\'']
    const lines = [...authorizations.map((value) => `Authorization: ${value}`), 'User-Agent: T&T + 1']
    t.equal((await odd.ask({ lines, callId: 'an&odd+id%41' })).status, 403)
    const form = forms.at(-1)
    const seen = form?.getAll('authorization') ?? []
    t.strictSame(seen.slice(0, 2), authorizations.slice(0, 2))
    t.equal(seen.length, 3)
    const expected = { method: 'REGISTER', domain: 'a.example', uri: 'sip:a.example', identity: user }
    t.match(Object.fromEntries(form ?? []), { ...expected, source_ip: '127.0.0.1', call_id: 'an&odd+id%41' })
    t.equal(form?.get('user_agent'), 'T&T + 1')
    t.equal(form?.get('proxy'), null)
  })

  await t.test("an INVITE is asked about with the callee's domain and the caller's realm", async (t) => {
    const uri = 'sip:bob@b.example'
    t.equal((await phone.ask({ method: 'INVITE', uri, to: `<${uri}>` })).status, 403)
    const expected = { method: 'INVITE', domain: 'b.example', realm: 'a.example', identity: 'alice', uri, proxy: '1' }
    t.match(Object.fromEntries(forms.at(-1) ?? []), expected)
    t.strictSame(forms.at(-1)?.getAll('authorization'), [])
  })

  await t.test('within a dialog, which nothing proves, no domain is named', async (t) => {
    const self = `127.0.0.1:${kamailio.port}`
    const lines = [`Route: <sip:${self};lr>`, 'Route: <sip:127.0.0.1:9;lr>']
    const uri = 'sip:bob@b.example'
    t.equal((await phone.ask({ method: 'INVITE', uri, to: `<${uri}>;tag=forged`, lines })).status, 403)
    t.match(Object.fromEntries(forms.at(-1) ?? []), { realm: 'a.example', identity: 'alice' })
    t.equal(forms.at(-1)?.get('domain'), null)
  })

  await t.test('repeats of a request that it is still busy with do not reach it', async (t) => {
    const held = holdAnswer()
    answer = held.answer
    const before = forms.length
    const request = phone.write()
    const first = phone.ask(request)
    const response = await held.response
    const other = await startPhone(t, kamailio, login)
    for (let count = 0; count < 5; count++) phone.send(request)
    for (let count = 0; count < 2; count++) t.equal((await other.ask({ method: 'OPTIONS' })).status, 200)
    response.writeHead(401).end(`WWW-Authenticate: ${CHALLENGE}\r\n`)
    t.equal((await first).status, 401)
    t.equal(forms.length, before + 1)
  })

  await t.test('while it hangs, only the first request waits; the next ones get 503 without asking', async (t) => {
    answer = () => undefined
    const before = forms.length
    for (let count = 0; count < 20; count++) unavailable(t, await phone.ask())
    t.ok(forms.length - before <= 4, `20 requests, ${forms.length - before} questions`)
    answer = (response) => response.writeHead(403).end()
    await askUntil(403, () => phone.ask())
  })

  await t.test('each worker keeps its connection', async (t) => {
    answer = (response) => response.writeHead(403).end()
    await phone.ask()
    sockets.clear()
    for (let count = 0; count < 30; count++) await phone.ask()
    t.ok(sockets.size <= 2, `${sockets.size} connections for 30 requests to 2 workers`)
  })

  await t.test('the options leave the uri out and send the body along', async (t) => {
    const defines = { SIPAUTHD_SKIP_URI: '', SIPAUTHD_SEND_BODY: '' }
    const more = await startShippedKamailio(t, address, { defines })
    const sender = await startPhone(t, more, login)
    const body = 'v=0\r\ns=a&b+c%20\r\n'
    t.equal((await sender.ask({ method: 'MESSAGE', uri: 'sip:bob@a.example', body, lines: TEXT })).status, 403)
    t.equal(forms.at(-1)?.get('uri'), null)
    t.equal(forms.at(-1)?.get('body'), body)
    t.equal((await sender.ask()).status, 403, 'a request without a body is asked about too')
  })
})

const TEXT = ['Content-Type: text/plain']

const NO_ANSWERS: [title: string, status: number, headers: Record<string, string>, body: string][] = [
  ['a page that somebody else serves with 200', 200, {}, '<html>Welcome</html>'],
  ['a JSON answer with 200', 200, {}, '{"status":200}'],
  ['204', 204, {}, ''],
  ['a redirect', 302, { location: '/v1/verify' }, ''],
  ['401 without header lines', 401, {}, ''],
  ['401 with another body', 401, {}, '{"error":"wrong token"}'],
  ['401 whose last header line is cut off', 401, {}, `WWW-Authenticate: ${CHALLENGE}`],
  ['401 with lines of another kind among them', 401, {}, `WWW-Authenticate: ${CHALLENGE}\r\nX: y\r\n`],
  ['401 with the end of a head in it', 401, {}, `WWW-Authenticate: ${CHALLENGE}\r\n\r\n`],
  ['407 without header lines', 407, {}, ''],
  ['404', 404, {}, 'not found'],
  ['413', 413, {}, ''],
  ['429 without a time', 429, {}, ''],
  ['500', 500, {}, ''],
  ['503', 503, { 'retry-after': '5' }, 'Retry-After: 5\r\n'],
]

/** 503 with a Retry-After of some seconds and without a challenge. */
function unavailable(t: Test, answer: SipAnswer): void {
  t.equal(answer.status, 503)
  t.match(answer.one('Retry-After'), /^([5-9]|1[0-5])$/)
  t.strictSame([...answer.all('WWW-Authenticate'), ...answer.all('Proxy-Authenticate')], [])
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let text = ''
  request.setEncoding('latin1').on('data', (chunk) => {
    text += chunk
  })
  await once(request, 'end')
  return new URLSearchParams(text)
}

/** An answer that waits until the test gives it. */
function holdAnswer() {
  let answer: (response: ServerResponse) => void = () => undefined
  const response = new Promise<ServerResponse>((resolve) => {
    answer = resolve
  })
  return { answer, response }
}
