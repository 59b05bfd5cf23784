import t from 'tap'
import { readPjsip, readPjsipFile } from '../../src/bulk/pjsip-source.js'
import { show } from './items.js'

const HA1 = '0123456789abcdef0123456789abcdef'

function read(text: string): unknown[] {
  return [...readPjsip(text)].map(show)
}

t.test('sections of type auth are users, by password, by MD5 hash and by digests', async (t) => {
  const text = `[6001]
type=auth
auth_type=userpass
username=6001
password=secret
realm=pbx.example.com

[6002-auth]
type=auth
auth_type=md5
username=6002
md5_cred=${HA1}
realm=pbx.example.com

[6003]
type=auth
auth_type=digest
username=6003
realm=pbx.example.com
password_digest = MD5:${HA1}
password_digest = SHA-256:${'a'.repeat(64)}
password_digest = SHA-512-256:${'b'.repeat(64)}

[transport-udp]
type=transport
bind=0.0.0.0
`
  const realm = 'pbx.example.com'
  t.same(read(text), [
    { line: 1, username: '6001', realm, password: 'secret' },
    { line: 8, username: '6002', realm, ha1s: { ha1: HA1 } },
    {
      ...{ line: 15, username: '6003', realm },
      ha1s: { ha1: HA1, ha1_sha256: 'a'.repeat(64), ha1_sha512_256: 'b'.repeat(64) },
    },
  ])
})

t.test('templates are inherited in order, the later value counts, and are no users themselves', async (t) => {
  const text = `[base](!)
type=auth
realm=base.example
password=base
[better](!,base)
password=better
[6001](better)
username=6001
[6002](Base,better)
username=6002
realm=own.example
password=own
`
  t.same(read(text), [
    { line: 7, username: '6001', realm: 'base.example', password: 'better' },
    { line: 9, username: '6002', realm: 'own.example', password: 'own' },
  ])
})

t.test('sections of one name stand side by side, and (+) adds to the one that it means', async (t) => {
  const text = `[6001]
type=endpoint
auth=6001
[6001]
type=auth
username=6001
password=one
[6001]
type=aor
[6001](+type=auth)
password += two
realm=pbx.example.com
[6001](+)
context=internal
`
  t.same(read(text), [{ line: 4, username: '6001', realm: 'pbx.example.com', password: 'onetwo' }])
})

t.test('comments go, and what only looks like one stays', async (t) => {
  const text = `; a comment
;-- a block
[no]
type=auth
;-- nested --;
username=no
--;
;--- a line of its own
[6001] ; the first
type => auth ; arrows are equal signs
username=6001
password = a\\;b=c;d
 realm = ;-- here --; pbx.example.com  \r
`
  t.same(read(text), [{ line: 9, username: '6001', realm: 'pbx.example.com', password: 'a;b=c' }])
})

t.test("a user without a realm has the global section's", async (t) => {
  const text = '[g]\ntype=global\ndefault_realm=pbx.example.com\n[6001]\ntype=auth\nusername=6001\npassword=x\n'
  t.same(read(text), [{ line: 4, username: '6001', realm: 'pbx.example.com', password: 'x' }])
})

t.test('what only goes out is no user; what comes in as well is one', async (t) => {
  const auth = (name: string) => `[${name}]\ntype=auth\nusername=${name}\npassword=x\n`
  const text = `${auth('provider')}${auth('both')}${auth('nobody')}
[trunk]
type=registration
outbound_auth=provider
[peer]
type=endpoint
auth=both,other
outbound_auth=both
`
  t.same(read(text), [
    { line: 1, username: 'provider', fault: 'is for outgoing requests only (outbound_auth)' },
    { line: 5, username: 'both', password: 'x' },
    { line: 9, username: 'nobody', password: 'x' },
  ])
})

t.test('what cannot be followed or understood is told by its line', async (t) => {
  const text = `#include "users.conf"
[6001](nowhere)
type=auth
[6002](+)
type=auth
rubbish
[6003]
type=auth
username=6003
auth_type=google_oauth
[6004]
type=auth
auth_type=digest
username=6004
password_digest=AKAv1-MD5:${HA1}
`
  t.same(read(text), [
    { line: 1, fault: '#include is not followed: import that file by itself' },
    { line: 2, fault: 'inherits from a section that is not above it' },
    { line: 4, fault: 'adds to a section that is not above it' },
    { line: 6, fault: 'is neither a section nor a setting' },
    { line: 7, username: '6003', fault: 'has an auth_type that is none of userpass, md5, digest' },
    { line: 11, username: '6004', fault: 'has a password_digest of an unknown algorithm' },
  ])
})

t.test('a line with a # that is no inclusion is told by its number alone: it may be a password', async (t) => {
  const text = '[6001]\ntype=auth\nusername=6001\n#password=hunter2secret\n#tryinclude "a"\n#exec <b>\n#hunter2secret\n'
  const items = read(`${text}hunter2secret\n=hunter2secret\n`)
  t.same(items.slice(0, -1), [
    { line: 4, fault: 'is a directive that is not known' },
    { line: 5, fault: '#tryinclude is not followed: import that file by itself' },
    { line: 6, fault: '#exec is not followed: import that file by itself' },
    { line: 7, fault: 'is a directive that is not known' },
    { line: 8, fault: 'is neither a section nor a setting' },
    { line: 9, fault: 'is neither a section nor a setting' },
  ])
  t.same(items.at(-1), { line: 1, username: '6001' })
})

t.test('templates that grow with each that inherits them are a fault of the line, and cost no memory', async (t) => {
  const first = `[t0](!)\n${Array.from({ length: 400 }, (_, index) => `k${index}=x`).join('\n')}\n`
  const doubling = Array.from({ length: 60 }, (_, index) => `[t${index + 1}](!,t${index},t${index})`).join('\n')
  const items = read(`${first}${doubling}\n`) as { fault: string }[]
  t.equal(items[0]?.fault, 'inherits more than 1000 settings')
  t.equal(items.length, 59, 'the first fits, and those that need the second name what is not there')
  const long = `[long]\ntype=auth\nusername=6001\n${'k+=x\nl=y\n'.repeat(200_000)}`
  await t.rejects(async () => read(long), {
    name: 'SourceFault',
    message: /^is no configuration of Asterisk: 10000 lines/,
  })
})

t.test('a file of more than 16 MiB is read no further than that', async (t) => {
  let given = 0
  async function* endless() {
    for (;;) yield Buffer.alloc(1024 * 1024, ++given % 2 ? ';' : '\n')
  }
  const reading = async () => {
    for await (const _ of readPjsipFile(endless()));
  }
  await t.rejects(reading(), { name: 'SourceFault', message: /^exceeds 16 MiB/ })
  t.equal(given, 17)
})
