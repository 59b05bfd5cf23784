import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { computeHa1 } from '../src/digest/ha1.js'
import { createDice } from '../test/faults/dice.js'
import { projectPath } from '../test/fixtures/project.js'
import { SOAK_FAULTS } from './soak-faults.js'
import { toSoakReport } from './soak-report.js'
import { openSoakSite, type SoakNode, type SoakSite } from './soak-site.js'
import { createTally } from './soak-tally.js'
import { createSoakUsers, type SoakUsers } from './soak-users.js'

const REALM = 'soak.example.com'
const USERS = 200
const CALLERS = 32
const CALIBRATION_MS = 5_000
const PROGRESS_MS = 10_000
/** A write each so often, on average. */
const WRITE_MS = 100
/** How long a fault lasts, and how long it is quiet after it, at least and at most. */
const [FAULT_MS, QUIET_MS] = [
  [2_000, 8_000],
  [1_000, 5_000],
] as const

const seconds = Number(process.env.SOAK_SECONDS ?? 600)
const seed = Number(process.env.SOAK_SEED ?? Date.now() % 1_000_000)
const roll = createDice(seed)
/** Dice of their own, so that the seed repeats the faults whatever the logins do. */
const rollFault = createDice(seed + 1)

type Noted = (...args: Parameters<ReturnType<typeof createTally>['note']>) => void

/** One login as a phone makes it: a challenge, then the answer to it. */
async function logIn(site: SoakSite, users: SoakUsers, note: Noted): Promise<void> {
  const login = users.next()
  const node = site.nodes[roll() < 0.5 ? 0 : 1]
  if (!login || !node.alive) return
  const startedMs = Date.now()
  const { kind, ...rest } = login
  const reason = await node.client.logIn({ realm: REALM, ...rest }).catch((error: Error) => {
    return error.message === 'no challenge but unavailable' ? 'unavailable' : 'no answer'
  })
  if (users.isCertain(login)) note(kind, reason, node, startedMs)
}

/** Runs callers for a while: as fast as they can, or so many logins a second together. */
async function call(ms: number, rate: number | undefined, once: () => Promise<void>): Promise<number> {
  const start = Date.now()
  let calls = 0
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      while (Date.now() - start < ms) {
        const dueMs = rate === undefined ? 0 : start + (calls * 1_000) / rate - Date.now()
        calls++
        if (dueMs > 0) await sleep(dueMs)
        await once()
      }
    }),
  )
  return calls / ((Date.now() - start) / 1_000)
}

const between = ([least, most]: readonly [number, number]) => least + rollFault() * (most - least)

async function run(): Promise<boolean> {
  console.log(`seed ${seed}: SOAK_SEED=${seed} repeats its faults; ${seconds} s`)
  const site = await openSoakSite()
  const users = createSoakUsers({ list: await site.nodes[0].client.createList(REALM), roll })
  while (users.ledger.accounts.size < USERS) await users.write(site.nodes[0].client)
  await sleep(2_000)
  const maximum = await call(CALIBRATION_MS, undefined, () => logIn(site, users, () => undefined))
  const rate = maximum / 2
  console.log(`${Math.round(maximum)} logins a second at most; going on with ${Math.round(rate)}`)

  const tally = createTally()
  const writes = { acknowledged: 0, refused: 0, lost: 0 }
  const faults: string[] = []
  const memory = { start: site.memory(), peak: { ...site.memory() }, end: {} as Record<string, number> }
  const endMs = Date.now() + seconds * 1_000
  const isOver = () => Date.now() >= endMs

  async function fail(): Promise<void> {
    while (!isOver()) {
      await sleep(between(QUIET_MS))
      const fault = SOAK_FAULTS[Math.floor(rollFault() * SOAK_FAULTS.length)]
      const node: SoakNode = site.nodes[rollFault() < 0.5 ? 0 : 1]
      if (!fault || isOver()) return
      faults.push(fault.what)
      tally.begin(fault, node)
      await fault.begin(site, node)
      await sleep(between(FAULT_MS))
      await fault.end(site, node)
      tally.end()
      await site.becomesWhole()
    }
  }

  async function write(): Promise<void> {
    while (!isOver()) {
      await sleep(roll() * 2 * WRITE_MS)
      const node = site.nodes[roll() < 0.5 ? 0 : 1]
      if (node.alive) writes[(await users.write(node.client)) ? 'acknowledged' : 'refused']++
    }
  }

  const progress = setInterval(() => {
    for (const [name, mebibytes] of Object.entries(site.memory())) {
      memory.peak[name] = Math.max(memory.peak[name] ?? 0, mebibytes)
    }
    const { rightRefused, wrongAccepted } = tally.wrong
    console.log(
      `${Math.round((endMs - Date.now()) / 1_000)} s left: ${tally.attempts} logins, ${tally.disturbed} disturbed, ` +
        `${rightRefused} wrongly refused, ${wrongAccepted} wrongly accepted; ${writes.acknowledged} writes; ` +
        `${faults.length} faults, the last: ${faults.at(-1)}`,
    )
  }, PROGRESS_MS)
  await Promise.all([call(seconds * 1_000, rate, () => logIn(site, users, tally.note)), fail(), write()])
  clearInterval(progress)
  await site.becomesWhole()
  writes.lost = await countLost(site, users)
  memory.end = site.memory()
  const outcome = { seconds, seed, maximum, rate, faults, tally, writes, users: users.ledger.accounts.size, memory }
  const report = toSoakReport(outcome)
  console.log(`\n${report}`)
  writeFileSync(projectPath('benchmarks/soak.md'), `${report.trimEnd()}\n`)
  await site.stop()
  return tally.wrong.rightRefused + tally.wrong.wrongAccepted + writes.lost === 0
}

/** Users who cannot log in with what was acknowledged last, or with what was asked for since, or whom Redis lacks. */
async function countLost(site: SoakSite, users: SoakUsers): Promise<number> {
  let lost = 0
  for (const [username, { acknowledged, asked }] of users.ledger.accounts) {
    const passwords = [acknowledged, ...asked]
    const ha1 = await site.redis.cli('HGET', `sipauth:cred:${REALM}:${username}`, 'ha1')
    const password = passwords.find((each) => computeHa1('MD5', username, REALM, each) === ha1)
    const logins = site.nodes.map(({ client }) => client.logIn({ realm: REALM, username, password: password ?? '' }))
    const reasons = await Promise.all(logins)
    if (password === undefined || reasons.some((reason) => reason !== 'ok')) lost++
  }
  return lost
}

process.exitCode = (await run()) ? 0 : 1
