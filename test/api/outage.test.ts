import t from 'tap'
import { startApi } from './running-api.js'

t.test('while the store is away every request gets 503 and Retry-After, and nothing is half done', async (t) => {
  const api = await startApi(t, 'postgres')
  const lists = `/2010-04-01/Accounts/${api.master.sid}/SIP/CredentialLists.json`
  t.equal((await api.ask('GET', lists)).status, 200)
  await api.postgres?.stop()
  const child = { sid: `AC${'0'.repeat(32)}`, token: 'unknown' }
  const answers = [
    await api.ask('GET', lists),
    await api.ask('POST', lists, { form: { FriendlyName: 'Lost' } }),
    await api.ask('GET', lists, { key: child }),
  ]
  for (const answer of answers) {
    t.match(answer, { status: 503, body: { status: 503, code: 20503, more_info: /20503$/ } })
    t.match(answer.headers.get('retry-after'), /^[1-9][0-9]*$/)
    t.notMatch(answer.text, /ENOENT|ECONN|socket/, 'without a word of why')
  }
  await api.postgres?.restart()
  const after = await api.ask('GET', lists)
  t.match(after, { status: 200, body: { credential_lists: [] } }, 'when it is back, so is the API')
  await api.postgres?.stop() // at the test's end it would wait for the pool's connections, which are closed after it
})

t.test('what nobody expected is answered 500 without a word of it, and logged', async (t) => {
  const api = await startApi(t, 'postgres')
  await api.database.pool.query('alter table credential_lists rename to elsewhere')
  const answer = await api.ask('GET', `/2010-04-01/Accounts/${api.master.sid}/SIP/CredentialLists.json`)
  t.match(answer, { status: 500, body: { status: 500, code: 20500, message: 'Internal server error' } })
  t.notMatch(answer.text, 'credential_lists')
  const logged = api.logged.map((line) => JSON.parse(line)).filter(({ level }) => level >= 50)
  t.match(logged, [{ msg: 'a request failed', err: { message: /credential_lists/ } }])
  t.notMatch(api.logged.join(''), api.master.token)
})
