import type { Test } from 'tap'
import type { RunningApi } from './running-api.js'

type Refused = [what: string, form: Record<string, string>, code: number, message: RegExp]

/** Posts each form to a collection or to one thing, and sees that it is refused and that nothing was written. */
async function testRefusals(t: Test, api: RunningApi, path: string, refusals: Refused[]) {
  const before = (await api.ask('GET', path)).body
  for (const [what, form, code, message] of refusals) {
    const answer = await api.ask('POST', path, { form })
    const more_info = `https://www.twilio.com/docs/errors/${code}`
    t.match(answer, { status: 400, body: { status: 400, code, message, more_info } }, what)
  }
  t.strictSame((await api.ask('GET', path)).body, before, 'nothing was written')
}

const CONTROLS = /^FriendlyName must not hold control characters$/
const URL_RULE = /must be an http or https URL of at most 2048 characters, or empty$/

async function testDomains(t: Test, api: RunningApi) {
  const sip = `/2010-04-01/Accounts/${api.master.sid}/SIP`
  const stranger = await api.createAccount()
  const { domains, credentialLists } = api.provision
  await domains.create(stranger.sid, { domainName: 'pbx.strangers.example' })
  await credentialLists.create(stranger.sid, { friendlyName: 'x', realm: 'strangers-realm.example' })
  const DomainName = 'own.example'
  const hostName = /^DomainName must be a host name of at most 128 characters, and no address$/
  const taken = /^DomainName is, or lies above or under, another account's domain or realm$/
  const refusals: Refused[] = [
    ['an empty name', { DomainName: '' }, 21232, hostName],
    ['a name that is no host name', { DomainName: 'a_b.example' }, 21232, hostName],
    ['an IPv4 address', { DomainName: '192.0.2.1' }, 21232, hostName],
    ['a name that ends in a dot', { DomainName: 'a.example.' }, 21232, hostName],
    ['a long name', { DomainName: `${'a.'.repeat(64)}a` }, 21232, hostName],
    ["another account's name", { DomainName: 'PBX.strangers.example' }, 21232, taken],
    ["a name under another account's", { DomainName: 'a.pbx.strangers.example' }, 21232, taken],
    ["a name above another account's", { DomainName: 'strangers.example' }, 21232, taken],
    ["another account's realm", { DomainName: 'strangers-realm.example' }, 21232, taken],
    ["a name under another account's realm", { DomainName: 'a.strangers-realm.example' }, 21232, taken],
    ['a long friendly name', { DomainName, FriendlyName: 'x'.repeat(65) }, 21231, /^FriendlyName must not exceed 64/],
    ['a URL that is none', { DomainName, VoiceUrl: 'nowhere' }, 21231, URL_RULE],
    ...['\r\n', '\t', ' ', '\x7f', '\u2028'].map((each): Refused => {
      const VoiceUrl = `https://a.example/${each}b`
      return [`a URL with ${encodeURI(each)}`, { DomainName, VoiceUrl }, 21231, URL_RULE]
    }),
    ['a URL with a blank before it', { DomainName, VoiceStatusCallbackUrl: ' https://a.example/' }, 21231, URL_RULE],
    ['a name with a line end', { DomainName, FriendlyName: 'a\r\nb' }, 21231, CONTROLS],
    ['a URL of another kind', { DomainName, VoiceFallbackUrl: 'ftp://a.example/' }, 21231, URL_RULE],
    ['a long URL', { DomainName, VoiceStatusCallbackUrl: `https://a.example/${'x'.repeat(2048)}` }, 21231, URL_RULE],
    ['a method that is none', { DomainName, VoiceMethod: 'PUT' }, 21231, /^VoiceMethod must be one of GET, POST$/],
    ['a flag that is none', { DomainName, SipRegistration: '1' }, 21231, /^SipRegistration must be true or false$/],
    ['a SID that is none', { DomainName, ByocTrunkSid: 'BY1' }, 21231, /^ByocTrunkSid must be BY and 32 hex digits/],
    ['an empty flag', { DomainName, Secure: '' }, 21231, /^Secure must be true or false$/],
  ]
  await testRefusals(t, api, `${sip}/Domains.json`, [['no name', {}, 21231, /^DomainName is required$/], ...refusals])
  const { sid } = await domains.create(api.master.sid, { domainName: DomainName })
  await testRefusals(t, api, `${sip}/Domains/${sid}.json`, refusals)
  const realms: Refused[] = ['pbx.strangers.example', 'a.pbx.strangers.example', 'strangers.example'].map(
    (Realm) =>
      [
        ...[Realm, { FriendlyName: 'x', Realm }, 21240, /^Realm is, or lies above or under, another account's domain$/],
      ] as Refused,
  )
  await testRefusals(t, api, `${sip}/CredentialLists.json`, realms)
  t.match(await api.ask('POST', `${sip}/Domains/${sid}.json`, { form: { Secure: 'True' } }), {
    ...{ status: 200, body: { secure: true } },
  })
}

async function testMappings(t: Test, api: RunningApi) {
  const { sid } = await api.provision.domains.create(api.master.sid, { domainName: 'mapped.example' })
  const stranger = await api.createAccount()
  const theirs = await api.provision.credentialLists.create(stranger.sid, { friendlyName: 'x' })
  const theirIps = await api.provision.ipAccessControlLists.create(stranger.sid, 'x')
  const domain = `/2010-04-01/Accounts/${api.master.sid}/SIP/Domains/${sid}`
  const fields = [
    ...['Auth/Calls', 'Auth/Registrations', ''].map((place) => [place, 'CredentialList', theirs.sid]),
    ...['Auth/Calls', ''].map((place) => [place, 'IpAccessControlList', theirIps.sid]),
  ] as [string, string, string][]
  for (const [place, list, listSid] of fields) {
    const path = `${[domain, place, `${list}Mappings`].filter(Boolean).join('/')}.json`
    await testRefusals(t, api, path, [['no list', {}, 21231, new RegExp(`^${list}Sid is required$`)]])
    const answer = await api.ask('POST', path, { form: { [`${list}Sid`]: listSid } })
    const message = new RegExp(`^${list}Sid names no .* of this account$`)
    t.match(answer, { status: 404, body: { status: 404, code: 20404, message } }, "another account's list")
  }
}

async function testIpLists(t: Test, api: RunningApi) {
  const lists = `/2010-04-01/Accounts/${api.master.sid}/SIP/IpAccessControlLists`
  const name = /^FriendlyName must be 1 to 255 characters$/
  await testRefusals(t, api, `${lists}.json`, [
    ['no name', {}, 21235, /^FriendlyName is required$/],
    ['an empty name', { FriendlyName: '' }, 21235, name],
    ['a long name', { FriendlyName: 'x'.repeat(256) }, 21235, name],
    ['a name with a control character', { FriendlyName: 'a\x7f' }, 21235, CONTROLS],
  ])
  const { sid } = await api.provision.ipAccessControlLists.create(api.master.sid, 'Offices')
  await testRefusals(t, api, `${lists}/${sid}.json`, [['no name', {}, 21235, /^FriendlyName is required$/]])
  const FriendlyName = 'x'
  const address = /^IpAddress must be an IPv4 address in dotted decimal or an IPv6 address$/
  const badAddresses = ['', '192.0.2', '192.0.2.256', '192.0.2.01', '0xc0000201', '192.0.2.0/24', ' 192.0.2.1']
  const badAddresses6 = ['[::1]', '1::2::3', 'a.example']
  const prefix = /^CidrPrefixLength must be a number of 0 to 32, or to 128 for IPv6$/
  const IpAddress = '192.0.2.1'
  await testRefusals(t, api, `${lists}/${sid}/IpAddresses.json`, [
    ['no name', { IpAddress }, 21238, /^FriendlyName is required$/],
    ['no address', { FriendlyName }, 21238, /^IpAddress is required$/],
    ['a long name', { FriendlyName: 'x'.repeat(256), IpAddress }, 21238, name],
    ['a name with a control character', { FriendlyName: 'a\x1b', IpAddress }, 21238, CONTROLS],
    ['a zone', { FriendlyName, IpAddress: 'fe80::1%eth0' }, 21238, /^IpAddress must have no zone, /],
    [
      ...(['an IPv4 address within IPv6', { FriendlyName, IpAddress: '::ffff:192.0.2.1' }] as const),
      ...([21238, /^IpAddress must be written as the IPv4 address that it holds, 192\.0\.2\.1$/] as const),
    ],
    ...[...badAddresses, ...badAddresses6].map(
      (bad): Refused => [`the address ${bad}`, { FriendlyName, IpAddress: bad }, 21238, address],
    ),
    ...['', '-1', '129', '24.0', '1e1'].map(
      (bad): Refused => [`the prefix ${bad}`, { FriendlyName, IpAddress, CidrPrefixLength: bad }, 21238, prefix],
    ),
    [
      'a prefix that is too long for IPv4',
      { FriendlyName, IpAddress, CidrPrefixLength: '33' },
      21238,
      /^CidrPrefixLength must not exceed 32 for this address$/,
    ],
  ])
}

async function testLimits(t: Test, api: RunningApi) {
  const { sid } = await api.createAccount()
  const sip = `/2010-04-01/Accounts/${sid}/SIP`
  const { pool } = api.database
  await pool.query(
    `insert into domains (sid, account_sid, domain_name, realm, version)
     select 'SD' || md5(n::text || $1), $1, 'd' || n || '.' || lower($1) || '.example', realm, 1
     from accounts, generate_series(1, 100) n where sid = $1`,
    [sid],
  )
  await pool.query(
    `insert into ip_access_control_lists (sid, account_sid, friendly_name)
     select 'AL' || md5(n::text || $1), $1, 'x' from generate_series(1, 1000) n`,
    [sid],
  )
  const lists = await api.ask('GET', `${sip}/IpAccessControlLists.json?PageSize=1`)
  const [list] = lists.body.ip_access_control_lists
  await pool.query(
    `insert into ip_addresses (sid, account_sid, list_sid, friendly_name, ip_address, cidr_prefix_length)
     select 'IP' || md5(n::text || $1), $1, $2, 'x', '192.0.2.' || n, 32 from generate_series(1, 100) n`,
    [sid, list.sid],
  )
  const full: [string, Record<string, string>, number, string][] = [
    ['Domains', { DomainName: 'one-more.example' }, 21230, 'Domains are limited to 100 an account'],
    ['IpAccessControlLists', { FriendlyName: 'x' }, 21255, 'IpAccessControlLists are limited to 1000 an account'],
    [
      `IpAccessControlLists/${list.sid}/IpAddresses`,
      { FriendlyName: 'x', IpAddress: '203.0.113.1' },
      ...([21237, 'IpAddresses are limited to 100 a list'] as [number, string]),
    ],
  ]
  for (const [collection, form, code, message] of full) {
    t.match(await api.ask('POST', `${sip}/${collection}.json`, { form }), { status: 400, body: { code, message } })
  }
}

async function testConcurrency(t: Test, api: RunningApi) {
  const keys = [await api.createAccount(), await api.createAccount(), await api.createAccount()]
  const form = { DomainName: 'wanted-by-all.example' }
  const made = await Promise.all(
    [...keys, ...keys].map((key) => api.ask('POST', `/2010-04-01/Accounts/${key.sid}/SIP/Domains.json`, { key, form })),
  )
  t.strictSame(made.map(({ status }) => status).sort(), [201, ...Array(5).fill(400)])
  t.equal(made.filter(({ body }) => body.code === 21232).length, 5)
}

/** Every rule that a write of domains, mappings and IP lists can break. */
export async function testDomainValidation(t: Test, api: RunningApi): Promise<void> {
  await t.test('of a domain', (t) => testDomains(t, api))
  await t.test('of a mapping', (t) => testMappings(t, api))
  await t.test('of an IP access control list and its addresses', (t) => testIpLists(t, api))
  await t.test('of what is over its limit', (t) => testLimits(t, api))
  await t.test('of concurrent creations of one domain exactly one is left', (t) => testConcurrency(t, api))
}
