import type { Test } from 'tap'
import twilio from 'twilio'
import type { Key, RunningApi } from './running-api.js'

/** The error that the client makes of an answer. */
async function refusal(promise: Promise<unknown>): Promise<twilio.RestException> {
  const error = await promise.then(
    () => new Error('it was not refused'),
    (thrown: unknown) => thrown,
  )
  if (error instanceof twilio.RestException) return error
  throw error
}

function sids(rows: readonly { sid: string }[]): string[] {
  return rows.map(({ sid }) => sid)
}

/** A host name that no other test has. */
function freshName({ sid }: Key, label: string): string {
  return `${label}.${sid.toLowerCase()}.example`
}

async function testDomains(t: Test, api: RunningApi) {
  const key = await api.createAccount()
  const { domains } = api.client(key).sip
  const domainName = freshName(key, 'a')
  const plain = await domains.create({ domainName: domainName.toUpperCase() })
  const own = `/2010-04-01/Accounts/${key.sid}/SIP/Domains/${plain.sid}`
  t.match(plain.sid, /^SD[0-9a-f]{32}$/)
  t.match(plain, {
    ...{ accountSid: key.sid, apiVersion: '2010-04-01', authType: '', domainName, friendlyName: '' },
    ...{ voiceUrl: null, voiceMethod: 'POST', voiceFallbackUrl: null, voiceFallbackMethod: 'POST' },
    ...{ voiceStatusCallbackUrl: null, voiceStatusCallbackMethod: 'POST', byocTrunkSid: null },
    ...{ sipRegistration: false, emergencyCallingEnabled: false, secure: false, emergencyCallerSid: null },
    uri: `${own}.json`,
  })
  t.ok(plain.dateCreated instanceof Date && !Number.isNaN(plain.dateCreated.getTime()))
  t.strictSame(plain.subresourceUris, {
    credential_list_mappings: `${own}/CredentialListMappings.json`,
    ip_access_control_list_mappings: `${own}/IpAccessControlListMappings.json`,
  })
  t.match(api.published.at(-1), { kind: 'domain', domain: domainName }, 'it is mirrored before it is answered')
  const settings = {
    ...{ friendlyName: 'Bakery', voiceUrl: 'https://bakery.example/voice?a=b&c=d', voiceMethod: 'GET' },
    ...{ voiceFallbackUrl: 'http://10.0.0.1:8080/fallback', voiceFallbackMethod: 'GET' },
    ...{ voiceStatusCallbackUrl: 'https://user@bakery.example/', voiceStatusCallbackMethod: 'GET' },
    ...{ sipRegistration: true, emergencyCallingEnabled: true, secure: true },
    ...{ byocTrunkSid: `BY${'a'.repeat(32)}`, emergencyCallerSid: `PN${'b'.repeat(32)}` },
  }
  const full = await domains.create({ domainName: freshName(key, 'b'), ...settings })
  t.match(full, settings, 'all of it is kept')
  t.strictSame((await domains(full.sid).fetch()).toJSON(), full.toJSON())
  t.match(await domains(full.sid).update(), settings, 'an update without arguments changes nothing')
  const urls = { voiceUrl: '', voiceFallbackUrl: '', voiceStatusCallbackUrl: '' }
  const cleared = await domains(full.sid).update({ ...urls, friendlyName: '', byocTrunkSid: '', secure: false })
  t.match(cleared, {
    ...{ ...settings, voiceUrl: null, voiceFallbackUrl: null, voiceStatusCallbackUrl: null },
    ...{ friendlyName: '', byocTrunkSid: null, secure: false },
  })
  const renamed = await domains(full.sid).update({ domainName: freshName(key, 'c') })
  t.match(renamed, { sid: full.sid, domainName: freshName(key, 'c') })
  t.strictSame(sids(await domains.list()), [full.sid, plain.sid], 'newest first')
  t.strictSame(sids(await domains.list({ pageSize: 1 })), [full.sid, plain.sid], 'over all pages')

  t.match(await refusal(domains.create({ domainName })), { status: 400, code: 21232, message: 'DomainName is taken' })
  const subdomain = await domains.create({ domainName: `pbx.${domainName}` })
  t.match(await refusal(domains(plain.sid).remove()), { status: 400, code: 21233, message: /^DomainName still has/ })
  t.equal(await domains(subdomain.sid).remove(), true)
  t.equal(await domains(plain.sid).remove(), true)
  t.match(await refusal(domains(plain.sid).fetch()), {
    ...{ status: 404, code: 20404, message: `The requested resource ${own}.json was not found` },
  })
  t.match(await domains.create({ domainName }), { domainName }, 'its name is free again')
}

async function testCredentialListMappings(t: Test, api: RunningApi) {
  const key = await api.createAccount()
  const { credentialLists, domains } = api.client(key).sip
  const domain = await domains.create({ domainName: freshName(key, 'a') })
  const { auth, credentialListMappings: older } = domains(domain.sid)
  const calls = auth.calls.credentialListMappings
  const registrations = auth.registrations.credentialListMappings
  const authType = async () => (await domains(domain.sid).fetch()).authType
  const callers = await credentialLists.create({ friendlyName: 'Callers' })
  const phones = await credentialLists.create({ friendlyName: 'Phones' })

  const mapped = await calls.create({ credentialListSid: callers.sid })
  t.match(mapped, { sid: callers.sid, friendlyName: 'Callers', accountSid: key.sid }, 'a mapping shows the list')
  t.match(api.published.at(-1), { kind: 'domain', domain: domain.domainName }, 'it is mirrored before it is answered')
  t.equal(await authType(), 'CREDENTIAL_LIST')
  t.strictSame((await calls(callers.sid).fetch()).toJSON(), mapped.toJSON())
  t.strictSame(await registrations.list(), [], 'who may call may not register yet')
  t.match(await registrations.create({ credentialListSid: phones.sid }), { sid: phones.sid, friendlyName: 'Phones' })
  t.strictSame(sids(await calls.list()), [callers.sid])
  t.strictSame(sids(await registrations.list()), [phones.sid])

  const own = `/2010-04-01/Accounts/${key.sid}/SIP/Domains/${domain.sid}/CredentialListMappings`
  t.match(await older(callers.sid).fetch(), {
    ...{ sid: callers.sid, friendlyName: 'Callers', domainSid: domain.sid, uri: `${own}/${callers.sid}.json` },
  })
  t.match(await older.create({ credentialListSid: phones.sid }), { sid: phones.sid, uri: `${own}/${phones.sid}.json` })
  t.strictSame(
    sids(await calls.list()),
    [phones.sid, callers.sid],
    'the older path shows and changes the same mappings',
  )
  t.strictSame(sids(await older.list({ pageSize: 1 })), [phones.sid, callers.sid])

  const twice = { status: 400, code: 21231, message: /^CredentialListSid names a list that is mapped/ }
  t.match(await refusal(calls.create({ credentialListSid: callers.sid })), twice)
  t.match(await refusal(older.create({ credentialListSid: callers.sid })), twice)
  const path = `/2010-04-01/Accounts/${key.sid}/SIP`
  const form = { FriendlyName: 'Elsewhere', Realm: freshName(key, 'realm') }
  const elsewhere = (await api.ask('POST', `${path}/CredentialLists.json`, { key, form })).body.sid
  t.match(await refusal(registrations.create({ credentialListSid: elsewhere })), {
    ...{ status: 400, code: 21231, message: /^CredentialListSid must name a list in the same realm/ },
  })
  t.match(await refusal(credentialLists(phones.sid).remove()), { status: 400, code: 21241 })

  t.equal(await older(phones.sid).remove(), true)
  t.equal(await calls(callers.sid).remove(), true)
  t.equal(await authType(), '', 'only calls count for auth_type')
  t.match(await refusal(calls(callers.sid).fetch()), { status: 404, code: 20404 })
  t.match(await refusal(calls(callers.sid).remove()), { status: 404, code: 20404 })
  t.equal(await registrations(phones.sid).remove(), true)
  t.equal(await credentialLists(phones.sid).remove(), true)
  t.match(await calls.create({ credentialListSid: elsewhere }), { sid: elsewhere }, 'without a list any realm will do')
  t.equal(await domains(domain.sid).remove(), true, 'a domain goes with its mappings')
  t.equal(await credentialLists(elsewhere).remove(), true)
}

async function testIpLists(t: Test, api: RunningApi) {
  const key = await api.createAccount()
  const { ipAccessControlLists: lists } = api.client(key).sip
  const friendlyName = 'é'.repeat(255)
  const created = await lists.create({ friendlyName })
  const own = `/2010-04-01/Accounts/${key.sid}/SIP/IpAccessControlLists/${created.sid}`
  t.match(created, { friendlyName, accountSid: key.sid, uri: `${own}.json` })
  t.match(created.sid, /^AL[0-9a-f]{32}$/)
  t.strictSame(created.subresourceUris, { ip_addresses: `${own}/IpAddresses.json` })
  t.strictSame((await lists(created.sid).fetch()).toJSON(), created.toJSON())
  t.match(await lists(created.sid).update({ friendlyName: 'Offices' }), { friendlyName: 'Offices' })

  const { ipAddresses } = lists(created.sid)
  const address = await ipAddresses.create({ friendlyName, ipAddress: '192.0.2.7' })
  t.match(address.sid, /^IP[0-9a-f]{32}$/)
  t.match(address, {
    ...{ friendlyName, ipAddress: '192.0.2.7', cidrPrefixLength: 32, accountSid: key.sid },
    ...{ ipAccessControlListSid: created.sid, uri: `${own}/IpAddresses/${address.sid}.json` },
  })
  t.strictSame((await ipAddresses(address.sid).fetch()).toJSON(), address.toJSON())
  const v6 = await ipAddresses.create({ friendlyName: 'v6', ipAddress: '2001:DB8:0:0::', cidrPrefixLength: 48 })
  t.match(v6, { ipAddress: '2001:db8::', cidrPrefixLength: 48 }, 'IPv6 is shown as in RFC 5952')
  t.match(await ipAddresses.create({ friendlyName: 'whole', ipAddress: '::1' }), { cidrPrefixLength: 128 })
  t.equal((await ipAddresses.list()).length, 3)
  t.match(await ipAddresses(address.sid).update({ cidrPrefixLength: 24 }), {
    ...address.toJSON(),
    cidrPrefixLength: 24,
    dateUpdated: Object,
  })
  t.match(await ipAddresses(address.sid).update({ ipAddress: '192.0.2.0' }), { cidrPrefixLength: 24 })
  t.match(await ipAddresses(address.sid).update(), { ipAddress: '192.0.2.0' })
  t.match(await refusal(ipAddresses(address.sid).update({ cidrPrefixLength: 33 })), { status: 400, code: 21238 })
  t.equal(await ipAddresses(address.sid).remove(), true)
  t.match(await refusal(ipAddresses(address.sid).fetch()), { status: 404, code: 20404 })
  const other = await lists.create({ friendlyName: 'Offices' })
  t.match(await refusal(lists(other.sid).ipAddresses(v6.sid).fetch()), { status: 404, code: 20404 })
  t.strictSame(sids(await lists.list()), [other.sid, created.sid], 'names need not differ')
  t.equal(await lists(created.sid).remove(), true, 'a list goes with its addresses')
  t.match(await refusal(lists(created.sid).fetch()), { status: 404, code: 20404 })
}

async function testIpListMappings(t: Test, api: RunningApi) {
  const key = await api.createAccount()
  const { credentialLists, domains, ipAccessControlLists } = api.client(key).sip
  const domain = await domains.create({ domainName: freshName(key, 'a') })
  const { auth, ipAccessControlListMappings: older } = domains(domain.sid)
  const calls = auth.calls.ipAccessControlListMappings
  const authType = async () => (await domains(domain.sid).fetch()).authType
  const list = await ipAccessControlLists.create({ friendlyName: 'Offices' })
  const mapped = await calls.create({ ipAccessControlListSid: list.sid })
  t.match(mapped, { sid: list.sid, friendlyName: 'Offices', accountSid: key.sid })
  t.equal(await authType(), 'IP_ACL')
  t.strictSame((await calls(list.sid).fetch()).toJSON(), mapped.toJSON())
  const own = `/2010-04-01/Accounts/${key.sid}/SIP/Domains/${domain.sid}/IpAccessControlListMappings`
  t.match(await older(list.sid).fetch(), { domainSid: domain.sid, uri: `${own}/${list.sid}.json` })
  const { sid } = await credentialLists.create({ friendlyName: 'Callers' })
  await auth.calls.credentialListMappings.create({ credentialListSid: sid })
  t.equal(await authType(), 'IP_ACL,CREDENTIAL_LIST')

  t.match(await refusal(calls.create({ ipAccessControlListSid: list.sid })), { status: 400, code: 21231 })
  t.match(await refusal(ipAccessControlLists(list.sid).remove()), { status: 400, code: 21236 })
  const unknown = `AL${'0'.repeat(32)}`
  const nothing = { status: 404, code: 20404, message: /^IpAccessControlListSid names no IP access control list/ }
  t.match(await refusal(calls.create({ ipAccessControlListSid: unknown })), nothing)
  t.match(await refusal(calls.create({ ipAccessControlListSid: 'x' })), nothing)
  t.equal(await older(list.sid).remove(), true)
  t.strictSame(await calls.list(), [])
  t.equal((await older.create({ ipAccessControlListSid: list.sid })).sid, list.sid)
  t.strictSame(sids(await older.list()), [list.sid])
  t.equal(await calls(list.sid).remove(), true)
  t.match(await refusal(calls(list.sid).remove()), { status: 404, code: 20404 })
  t.equal(await authType(), 'CREDENTIAL_LIST')
  t.equal(await ipAccessControlLists(list.sid).remove(), true)
}

/** The official client's operations on domains and what is mapped to them. */
export async function testTwilioDomains(t: Test, api: RunningApi): Promise<void> {
  await t.test('domains are created, fetched, listed, updated and removed', (t) => testDomains(t, api))
  await t.test('credential lists are mapped for calls and for registrations', (t) => testCredentialListMappings(t, api))
  await t.test('IP access control lists and their addresses are kept', (t) => testIpLists(t, api))
  await t.test('IP access control lists are mapped to calls', (t) => testIpListMappings(t, api))
}
