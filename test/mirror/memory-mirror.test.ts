import t from 'tap'
import { createMemoryMirror } from '../../src/mirror/memory-mirror.js'
import type { MirrorRecord, Truth } from '../../src/mirror/mirror.js'
import { computeHa1s } from '../../src/provision/ha1s.js'
import { PASSWORD } from '../provision/stage.js'

const REALM = 'example.com'

function record(version: string, username = 'alice', enabled = true): MirrorRecord {
  const sids = { accountSid: 'AC1', credentialListSid: 'CL1', credentialSid: 'CR1' }
  const ha1s = enabled ? computeHa1s(username, REALM, PASSWORD) : undefined
  const holds = { realm: REALM, username, version, ...sids, ha1s, active: true }
  return { kind: 'credential', realm: REALM, username, version, holds }
}

function tombstone(version: string): MirrorRecord {
  return { kind: 'credential', realm: REALM, username: 'alice', version, holds: undefined }
}

/** A database whose walk goes on slice by slice, when the test says so. */
function truthOf(...slices: (() => Promise<readonly MirrorRecord[]> | readonly MirrorRecord[])[]): Truth {
  return {
    count: async () => 0,
    async *walk() {
      for (const slice of slices) yield await slice()
    },
    read: async () => [],
  }
}

/** A promise with its resolver outside. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}

t.test('it finds what it has taken, as Redis would', async (t) => {
  const mirror = createMemoryMirror()
  const offer = { algorithms: ['SHA-256'], lacking: ['MD5'], active: true } as const
  await mirror.apply([record('1'), { kind: 'realm', realm: REALM, version: '2', holds: offer }])
  t.match(await mirror.findHa1(REALM, 'alice', 'ha1b_sha256'), {
    credentialSid: 'CR1',
    usable: true,
    ha1: computeHa1s('alice', REALM, PASSWORD).ha1b_sha256,
  })
  t.same(await mirror.findRealm(REALM), offer)
  t.equal(await mirror.findHa1(REALM, 'bob', 'ha1'), undefined)
  t.equal(await mirror.findRealm('other.com'), undefined)
  await mirror.apply([record('3', 'alice', false)])
  t.match(await mirror.findHa1(REALM, 'alice', 'ha1'), { credentialSid: 'CR1', usable: false, ha1: undefined })
})

t.test('nobody of a realm whose account is not active is usable, and all are again at once', async (t) => {
  const mirror = createMemoryMirror()
  const realm = { kind: 'realm', realm: REALM } as const
  const inactive = { algorithms: undefined, lacking: [], active: false } as const
  await mirror.apply([record('1'), { ...realm, version: '2', holds: inactive }])
  t.match(await mirror.findHa1(REALM, 'alice', 'ha1'), { credentialSid: 'CR1', usable: false, ha1: undefined })
  await mirror.apply([{ ...realm, version: '3', holds: undefined }])
  const { ha1 } = computeHa1s('alice', REALM, PASSWORD)
  t.match(await mirror.findHa1(REALM, 'alice', 'ha1'), { usable: true, ha1 })
})

t.test('only a version that is not older is taken, and a deletion keeps older ones out', async (t) => {
  const mirror = createMemoryMirror()
  await mirror.apply([record('10'), record('9', 'alice', false)])
  t.ok((await mirror.findHa1(REALM, 'alice', 'ha1'))?.ha1)
  await mirror.apply([tombstone('11'), record('10')])
  t.equal(await mirror.findHa1(REALM, 'alice', 'ha1'), undefined)
  await mirror.apply([record('12')])
  t.ok(await mirror.findHa1(REALM, 'alice', 'ha1'))
})

t.test('a domain is found by its name, until it is deleted', async (t) => {
  const mirror = createMemoryMirror()
  const key = { kind: 'domain', domain: 'pbx.example' } as const
  const domain = {
    ...{ name: 'pbx.example', sid: 'SD1', accountSid: 'AC1', realm: REALM, version: '5', active: true },
    ...{ calls: ['CL1'], registrations: [], ipRanges: undefined },
  }
  await mirror.apply([record('9'), { ...key, version: '5', holds: domain }])
  t.same(await mirror.findDomain('pbx.example'), domain)
  t.equal(await mirror.findDomain(REALM), undefined, 'a realm is no domain')
  await mirror.apply([
    { ...key, version: '6', holds: undefined },
    { ...key, version: '5', holds: domain },
  ])
  t.equal(await mirror.findDomain('pbx.example'), undefined)
})

t.test('it is current only when it has been filled, and not while it is filled anew', async (t) => {
  const mirror = createMemoryMirror()
  t.notOk(mirror.current)
  t.notOk(await mirror.isComplete())
  const { opened, open } = gate()
  await mirror.rebuild(truthOf(() => [record('1')]))
  t.ok(mirror.current)
  const rebuild = mirror.rebuild(truthOf(() => opened.then(() => [])))
  t.notOk(mirror.current)
  mirror.setBehind(false)
  t.notOk(mirror.current, 'that nothing lags does not make it full')
  open()
  await rebuild
  t.ok(mirror.current)
  t.equal(await mirror.findHa1(REALM, 'alice', 'ha1'), undefined, 'what the database does not have is gone')
})

t.test('while it is filled anew it holds what it held, and the changes that arrive', async (t) => {
  const mirror = createMemoryMirror()
  await mirror.rebuild(truthOf(() => [record('1'), record('2', 'bob'), record('3', 'carol')]))
  const { opened, open } = gate()
  const rebuild = mirror.rebuild(
    truthOf(
      () => [record('2', 'bob')],
      () => opened.then(() => [record('1')]),
    ),
  )
  await mirror.apply([tombstone('5'), record('6', 'dave')])
  const held = async () => {
    const names = ['alice', 'bob', 'carol', 'dave']
    const found = await Promise.all(names.map((name) => mirror.findHa1(REALM, name, 'ha1')))
    return names.filter((_, index) => found[index])
  }
  t.same(await held(), ['bob', 'carol', 'dave'])
  open()
  await rebuild
  t.same(await held(), ['bob', 'dave'], 'then what the database holds, and the changes since')
})

t.test('a filling that fails leaves it not current', async (t) => {
  const mirror = createMemoryMirror()
  const fails = mirror.rebuild(truthOf(() => Promise.reject(new Error('away'))))
  await t.rejects(fails, { message: 'away' })
  mirror.setBehind(false)
  t.notOk(mirror.current)
})

t.test('changes that come while it is filled win over what the filling has read before', async (t) => {
  const mirror = createMemoryMirror()
  const { opened, open } = gate()
  const rebuild = mirror.rebuild(truthOf(() => opened.then(() => [record('5'), record('6', 'bob')])))
  await mirror.apply([tombstone('7'), record('8', 'bob', false)])
  open()
  await rebuild
  t.equal(await mirror.findHa1(REALM, 'alice', 'ha1'), undefined)
  t.equal((await mirror.findHa1(REALM, 'bob', 'ha1'))?.ha1, undefined)
})

t.test('of two fillings the earlier one writes nothing once the later has begun', async (t) => {
  const mirror = createMemoryMirror()
  const { opened, open } = gate()
  const earlier = mirror.rebuild(truthOf(() => opened.then(() => [record('5')])))
  // alice was deleted meanwhile, and nobody heard of it.
  await mirror.rebuild(truthOf(() => [record('6', 'bob')]))
  open()
  await earlier
  t.ok(mirror.current)
  t.equal(await mirror.findHa1(REALM, 'alice', 'ha1'), undefined)
  t.ok(await mirror.findHa1(REALM, 'bob', 'ha1'))
})
