import type { Twilio } from 'twilio'
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
  /** Creates another list in the account's realm, with one user; resolves with its SID. */
  addListOf(username: string): Promise<string>
  /** The list that `addUser` adds to. */
  listSid: string
  /** Creates a SIP domain that lists of these SIDs may call and register at, and addresses of this block may call at. */
  addDomain(name: string, mapped: Mapped): Promise<void>
}

/** What is mapped to a domain. */
export interface Mapped {
  calls?: readonly string[]
  registrations?: readonly string[]
  /** `192.0.2.0/24`. */
  block?: string
}

/** Creates an account with one credential list; the API's address may change between its calls. */
export async function createTenant(api: () => string, name: string): Promise<Tenant> {
  const { sid, authToken: token } = await twilioClient(api(), MASTER).api.v2010.accounts.create({ friendlyName: name })
  const sip = () => twilioClient(api(), { sid, token }).sip
  const lists = () => sip().credentialLists
  const list = await lists().create({ friendlyName: name })
  const credentials = () => lists()(list.sid).credentials
  return {
    sid,
    realm: await readRealm(api(), { sid, token }),
    addUser: async (username) => (await credentials().create({ username, password: PASSWORD })).sid,
    changePassword: (credential, password) => credentials()(credential).update({ password }),
    removeUser: (credential) => credentials()(credential).remove(),
    listSid: list.sid,
    addListOf: async (username) => {
      const added = await lists().create({ friendlyName: `list of ${username}` })
      await lists()(added.sid).credentials.create({ username, password: PASSWORD })
      return added.sid
    },
    addDomain: (domainName, mapped) => createDomain(sip(), domainName, mapped),
  }
}

async function createDomain(sip: Twilio['sip'], domainName: string, mapped: Mapped): Promise<void> {
  const { calls = [], registrations = [], block } = mapped
  const { sid } = await sip.domains.create({ domainName })
  const { auth } = sip.domains(sid)
  for (const credentialListSid of calls) await auth.calls.credentialListMappings.create({ credentialListSid })
  for (const credentialListSid of registrations) {
    await auth.registrations.credentialListMappings.create({ credentialListSid })
  }
  if (block === undefined) return
  const [ipAddress = '', bits] = block.split('/')
  const list = await sip.ipAccessControlLists.create({ friendlyName: domainName })
  const addresses = sip.ipAccessControlLists(list.sid).ipAddresses
  await addresses.create({ friendlyName: block, ipAddress, cidrPrefixLength: Number(bits) })
  await auth.calls.ipAccessControlListMappings.create({ ipAccessControlListSid: list.sid })
}

/** The account's realm, a field that Twilio's client knows nothing of. */
async function readRealm(api: string, { sid, token }: { sid: string; token: string }): Promise<string> {
  const authorization = `Basic ${Buffer.from(`${sid}:${token}`).toString('base64')}`
  const answer = await fetch(`${api}/2010-04-01/Accounts/${sid}.json`, { headers: { authorization } })
  return ((await answer.json()) as { realm: string }).realm
}
