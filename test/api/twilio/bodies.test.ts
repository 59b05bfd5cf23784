import t, { type Test } from 'tap'
import { startApi } from '../running-api.js'

const PASSWORD = 'Correct-Horse-7'
const DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000$/

/** A body without what differs from run to run; that its dates are dates is seen to. */
function settled(t: Test, { date_created, date_updated, ...rest }: Record<string, unknown>) {
  t.match(date_created, DATE)
  t.match(date_updated, DATE)
  return rest
}

t.test("bodies have Twilio's fields, ours beside them, and no other", async (t) => {
  const api = await startApi(t, 'postgres')
  const made = await api.ask('POST', '/2010-04-01/Accounts.json', { form: { FriendlyName: 'Lane' } })
  const { sid, auth_id, auth_token, realm } = made.body
  const account = `/2010-04-01/Accounts/${sid}`
  t.equal(made.status, 201)
  t.match(auth_id, /^MA_[A-Z0-9]{20}$/)
  t.match(auth_token, /^[0-9a-f]{32}$/)
  t.equal(realm, `${auth_id.toLowerCase().replace('_', '-')}.sip.test`)
  t.strictSame(settled(t, made.body), {
    ...{ sid, auth_id, auth_token, realm },
    friendly_name: 'Lane',
    owner_account_sid: api.master.sid,
    status: 'active',
    subresource_uris: { credential_lists: `${account}/SIP/CredentialLists.json` },
    type: 'Full',
    uri: `${account}.json`,
  })
  const shown = [
    await api.ask('GET', `${account}.json`),
    await api.ask('POST', `${account}.json`, { form: { FriendlyName: 'Lane' } }),
    await api.ask('GET', `${account}.json`, { key: { sid, token: auth_token } }),
  ]
  for (const { status, body } of shown) t.match([status, body.auth_token], [200, null], 'the token is shown once')
  t.notMatch((await api.ask('GET', '/2010-04-01/Accounts.json')).text, auth_token)

  const key = { sid, token: auth_token }
  const list = await api.ask('POST', `${account}/SIP/CredentialLists.json`, { key, form: { FriendlyName: 'Phones' } })
  const listPath = `${account}/SIP/CredentialLists/${list.body.sid}`
  t.strictSame(settled(t, list.body), {
    sid: list.body.sid,
    account_sid: sid,
    friendly_name: 'Phones',
    realm,
    algorithms: null,
    subresource_uris: { credentials: `${listPath}/Credentials.json` },
    uri: `${listPath}.json`,
  })

  const form = { Username: 'ann', Password: PASSWORD }
  const credential = await api.ask('POST', `${listPath}/Credentials.json`, { key, form })
  t.strictSame(settled(t, credential.body), {
    sid: credential.body.sid,
    account_sid: sid,
    credential_list_sid: list.body.sid,
    username: 'ann',
    enabled: true,
    description: '',
    uri: `${listPath}/Credentials/${credential.body.sid}.json`,
  })
  const listed = await api.ask('GET', `${listPath}/Credentials.json`, { key })
  t.strictSame(listed.body.credentials, [credential.body], 'a row of a page is the body of its resource')
})
