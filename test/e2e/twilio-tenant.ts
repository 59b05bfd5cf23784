import { twilioClient } from '../fixtures/twilio-client.js'

/** The password of every user here. */
export const PASSWORD = 'Correct-Horse-7'

/** The account that the servers here are started with. */
export const MASTER = { sid: `AC${'0'.repeat(32)}`, token: 'master-token-for-tests' }

/** A tenant, seen through Twilio's client. */
export interface Tenant {
  realm: string
  sid: string
  /** Creates a credential with `PASSWORD`; resolves with its SID. */
  addUser(username: string): Promise<string>
  changePassword(credentialSid: string, password: string): Promise<unknown>
  removeUser(credentialSid: string): Promise<unknown>
}

/** Creates an account with one credential list; the API's address may change between its calls. */
export async function createTenant(api: () => string, name: string): Promise<Tenant> {
  const { sid, authToken: token } = await twilioClient(api(), MASTER).api.v2010.accounts.create({ friendlyName: name })
  const lists = () => twilioClient(api(), { sid, token }).sip.credentialLists
  const list = await lists().create({ friendlyName: name })
  const credentials = () => lists()(list.sid).credentials
  return {
    sid,
    realm: await readRealm(api(), { sid, token }),
    addUser: async (username) => (await credentials().create({ username, password: PASSWORD })).sid,
    changePassword: (credential, password) => credentials()(credential).update({ password }),
    removeUser: (credential) => credentials()(credential).remove(),
  }
}

/** The account's realm, a field that Twilio's client knows nothing of. */
async function readRealm(api: string, { sid, token }: { sid: string; token: string }): Promise<string> {
  const authorization = `Basic ${Buffer.from(`${sid}:${token}`).toString('base64')}`
  const answer = await fetch(`${api}/2010-04-01/Accounts/${sid}.json`, { headers: { authorization } })
  return ((await answer.json()) as { realm: string }).realm
}
