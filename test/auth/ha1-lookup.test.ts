import t from 'tap'
import { createCredentialSource } from '../../src/auth/credential-source.js'
import { createDecoy } from '../../src/auth/decoy.js'
import { createHa1Lookup } from '../../src/auth/ha1-lookup.js'
import { ALGORITHMS, type HashAlgorithm } from '../../src/digest/algorithm.js'
import { computeHa1 } from '../../src/digest/ha1.js'
import { createLog } from '../../src/log.js'
import { createMetrics } from '../../src/metrics.js'
import { PASSWORD, REALM } from './phone.js'
import { createRig } from './rig.js'

const NAMES = Object.keys(ALGORITHMS) as HashAlgorithm[]
const ALICE = { realm: REALM, username: 'alice', algorithm: 'MD5', decoy: false } as const

t.test('an HA1 is found for user and user@realm, at each algorithm, with the realm in any case', async (t) => {
  const { find } = createRig().checks.ha1Lookup
  for (const algorithm of NAMES) {
    for (const username of ['alice', `alice@${REALM}`]) {
      const ha1 = computeHa1(algorithm, username, REALM, PASSWORD)
      t.same(await find({ ...ALICE, username, algorithm, realm: 'EXAMPLE.Com' }), { kind: 'found', ha1 })
    }
  }
})

t.test('there is none for an unknown user, and none for a disabled one, decoy or not', async (t) => {
  const rig = createRig()
  rig.add('bob')
  const { find } = rig.checks.ha1Lookup
  t.same(await find({ ...ALICE, username: 'nobody' }), { kind: 'none' })
  t.same(await find({ ...ALICE, realm: 'not a realm' }), { kind: 'none' })
  for (const decoy of [false, true]) t.same(await find({ ...ALICE, username: 'bob', decoy }), { kind: 'disabled' })
})

t.test(
  'there is none where the credential was imported without it, and with a decoy one that no password fits',
  async (t) => {
    const rig = createRig()
    const ha1 = computeHa1('MD5', 'alice', REALM, PASSWORD)
    for (const { credentials } of [rig.mirror, rig.database]) credentials.set(`${REALM} alice`, { ha1 })
    const { find } = rig.checks.ha1Lookup
    t.same(await find(ALICE), { kind: 'found', ha1 })
    for (const lacking of [{ algorithm: 'SHA-256' }, { username: `alice@${REALM}` }] as const) {
      t.same(await find({ ...ALICE, ...lacking }), { kind: 'none' })
      t.match(await find({ ...ALICE, ...lacking, decoy: true }), { kind: 'found' })
    }
  },
)

t.test('a decoy is stable, looks like an HA1 of its algorithm, and is another for each user and realm', async (t) => {
  const { find } = createRig().checks.ha1Lookup
  const seen = new Set<string>()
  for (const algorithm of NAMES) {
    for (const [realm, username] of [
      [REALM, 'nobody'],
      [REALM, 'nobody2'],
      ['other.example', 'nobody'],
    ] as const) {
      const question = { realm, username, algorithm, decoy: true }
      const answers = [await find(question), await createRig().checks.ha1Lookup.find(question)]
      t.same(answers[0], answers[1], 'on every node, after every start')
      const [found] = answers
      const ha1 = found?.kind === 'found' ? found.ha1 : ''
      t.match(ha1, new RegExp(`^[0-9a-f]{${ALGORITHMS[algorithm].hexLength}}$`))
      seen.add(ha1)
    }
  }
  t.equal(seen.size, 9)
})

t.test('with a decoy an unknown user costs the same questions and the same work as a known one', async (t) => {
  const { mirror, database } = createRig()
  const steps: string[] = []
  const { find } = createHa1Lookup({
    source: {
      ...createCredentialSource({
        mirror,
        database,
        metrics: createMetrics(),
        log: createLog('silent'),
        now: Date.now,
      }),
      async findHa1(realm, username, field) {
        steps.push('find')
        return { origin: 'mirror', value: await mirror.findHa1(realm, username, field) }
      },
      async isMirrorComplete() {
        steps.push('confirm')
        return true
      },
    },
    decoy(algorithm) {
      steps.push('decoy')
      return '0'.repeat(ALGORITHMS[algorithm].hexLength)
    },
  })
  for (const username of ['alice', 'nobody']) {
    t.match(await find({ ...ALICE, username, decoy: true }), { kind: 'found' })
    t.same(steps.splice(0), ['find', 'confirm', 'decoy'], username)
  }
  t.match(await find(ALICE), { kind: 'found' })
  t.same(steps.splice(0), ['find'], 'without a decoy who is found need not be confirmed')
})

t.test('decoys of another secret are other decoys', (t) => {
  t.not(createDecoy('one')('MD5', REALM, 'nobody'), createDecoy('two')('MD5', REALM, 'nobody'))
  t.end()
})

t.test('an outage is unavailable, never none and never a decoy', async (t) => {
  const rig = createRig()
  const { find } = rig.checks.ha1Lookup
  rig.mirror.complete = false
  rig.mirror.credentials.clear()
  t.match(await find(ALICE), { kind: 'found' }, 'the database confirms what the mirror lacks')
  rig.database.down = true
  for (const decoy of [false, true]) {
    t.same(await find({ ...ALICE, decoy }), { kind: 'unavailable' })
    t.same(await find({ ...ALICE, username: 'nobody', decoy }), { kind: 'unavailable' })
  }
  rig.mirror.down = true
  t.same(await find(ALICE), { kind: 'unavailable' })
})
