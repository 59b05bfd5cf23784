import { startSipauthd } from '../test/fixtures/sipauthd.js'
import { startImportedStores } from './imported-stores.js'
import type { Row } from './report.js'
import { median } from './rounds.js'
import { type Comparison, compare } from './statistics.js'
import { DOORS, type TimedDoor } from './timed-doors.js'

/** Questions about each kind of user at each door. */
const SAMPLES = 2_000
/** Users who are asked about again and again; the others are asked about once. */
const LATELY = 50

/** Whom a guesser asks about. */
const KINDS = {
  'known, lately': (turn: number) => `user${index(turn % LATELY)}`,
  'known, first time': (turn: number) => `user${index(LATELY + turn)}`,
  'unknown, again': (turn: number) => `ghos${index(turn % LATELY)}`,
  'unknown, first time': (turn: number) => `ghos${index(LATELY + turn)}`,
} as const
type Kind = keyof typeof KINDS

/** What must not be told apart. */
const PAIRS: readonly (readonly [Kind, Kind])[] = [
  ['unknown, first time', 'known, first time'],
  ['unknown, first time', 'known, lately'],
  ['unknown, again', 'known, lately'],
  ['known, first time', 'known, lately'],
]

/** Alike: medians within half a millisecond, and a coin's chance of telling which of two answers took longer. */
const LIMITS = { differenceUs: 500, superiority: 0.05 }

/** What the self-check adds to one half of a sample, which must be found. */
const DELAY_US = 100

const MODES = {
  'throttle on': { hasSource: true, env: {} },
  'throttle off': { hasSource: false, env: { THROTTLE_USER_FAILURES: '0', THROTTLE_SOURCE_FAILURES: '0' } },
} as const

/** Whether a guesser learns from the time of an answer that a user exists, or was here lately, at every door. */
export async function benchmarkTiming(): Promise<Row[]> {
  const first = FIRST_USER
  const users = LATELY + SAMPLES * DOORS.length
  const stores = await startImportedStores(first + users)
  const rows: Row[] = []
  for (const [mode, { hasSource, env }] of Object.entries(MODES)) {
    const sipauthd = await startSipauthd(undefined, { env: { ...stores.env, ...env } })
    for (const [place, open] of DOORS.entries()) {
      const door = await open({ ...stores, sipauthd, hasSource })
      const times = await timeDoor(door, place * SAMPLES)
      door.close()
      rows.push(toRow(`${door.name}, ${mode}`, times))
    }
    await sipauthd.stop()
  }
  await stores.stop()
  return rows
}

/** Names are all of one length. */
const FIRST_USER = 10_000
function index(n: number): number {
  return FIRST_USER + n
}

/** Times in µs for each kind, asked about in random order, one after the other. */
async function timeDoor(door: TimedDoor, firstTurn: number): Promise<Record<Kind, number[]>> {
  const kinds = Object.keys(KINDS) as Kind[]
  const times = Object.fromEntries(kinds.map((kind) => [kind, []])) as unknown as Record<Kind, number[]>
  for (let turn = 0; turn < LATELY; turn++) {
    for (const kind of ['known, lately', 'unknown, again'] as const) await timeOne(door, kind, turn)
  }
  const turns = shuffle(Array.from({ length: SAMPLES }, (_, turn) => kinds.map((kind) => ({ kind, turn }))).flat())
  for (const { kind, turn } of turns) times[kind].push(await timeOne(door, kind, firstTurn + turn))
  return times
}

async function timeOne(door: TimedDoor, kind: Kind, turn: number): Promise<number> {
  const ask = door.prepare(KINDS[kind](turn), 'Wrong-Horse-77')
  const start = process.hrtime.bigint()
  const answer = await ask()
  const us = Number(process.hrtime.bigint() - start) / 1000
  if (!answer.startsWith(door.refusal)) throw new Error(`${door.name} answered ${kind}: ${answer}`)
  return us
}

function shuffle<T>(items: T[]): T[] {
  for (let at = items.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1))
    const [a, b] = [items[at] as T, items[other] as T]
    items[at] = b
    items[other] = a
  }
  return items
}

function isAlike({ difference, superiority }: Comparison): boolean {
  return Math.abs(difference) <= LIMITS.differenceUs && Math.abs(superiority - 0.5) <= LIMITS.superiority
}

/** Whether the sample could tell: one half of it is like the other, and is not like the other with a delay. */
function canTell(times: readonly number[]): boolean {
  const [even, odd] = [0, 1].map((rest) => times.filter((_, at) => at % 2 === rest)) as [number[], number[]]
  const late = odd.map((us) => us + DELAY_US)
  return isAlike(compare(even, odd)) && !isAlike(compare(even, late))
}

function toRow(where: string, times: Record<Kind, number[]>): Row {
  const pairs = PAIRS.map(([one, other]) => ({ one, other, ...compare(times[one], times[other]) }))
  const isAble = canTell(times['known, first time'])
  const medians = Object.entries(times).map(([kind, sample]) => `${kind} ${median(sample).toFixed(0)}`)
  const described = pairs.map(
    ({ one, other, difference, low, high, superiority, p }) =>
      `${one} − ${other}: ${difference.toFixed(1)} [${low.toFixed(1)}, ${high.toFixed(1)}], ` +
      `P ${superiority.toFixed(3)}, p ${p.toFixed(3)}`,
  )
  const check = isAble ? 'it is found' : 'it is not found, so the machine is too busy to tell'
  return {
    what: `users told apart by time, ${where}`,
    unit: 'µs',
    ours: Math.max(...pairs.map(({ difference }) => Math.abs(difference))),
    limitIs: 'half a millisecond',
    limit: LIMITS.differenceUs,
    target: { is: 'alike', reached: isAble && pairs.every(isAlike) },
    note: `medians in µs: ${medians.join(', ')}; ${described.join('; ')}; self-check with ${DELAY_US} µs: ${check}`,
  }
}
