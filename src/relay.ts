import type pg from 'pg'
import type { Log } from './log.js'
import type { Metrics } from './metrics.js'
import { type Mirror, type Truth, toTombstone } from './mirror/mirror.js'
import type { Publisher } from './provision/publisher.js'
import { nameKey, type RecordKey } from './record-key.js'
import { REQUEST_ID_LABEL } from './request-id.js'
import type { News, Siblings } from './siblings.js'
import { inTransaction } from './store/database.js'
import {
  type Change,
  claimChanges,
  deleteChanges,
  hasChangesUpTo,
  measureBacklog,
  type VersionedKey,
} from './store/outbox.js'
import { createTruth } from './truth.js'

/** Younger changes are left to the node that wrote them and is mirroring them at this moment. */
const OWN_WRITER_MS = 250
const BATCH = 500
/** When the next round comes: soon after a commit or a failure, else in its own time. */
const DELAYS_MS = { soon: OWN_WRITER_MS + 50, poll: 1_000 } as const

/** Brings what was committed into the mirror: at once for this node's writes, later for whatever was left over. */
export type Relay = Publisher & {
  /** Begins to look for left-over changes, at every wake and every second. */
  start(): void
  /** Something was committed, here or elsewhere; looks soon, and once more when it is no longer too young. */
  wake(): void
  /** Takes other nodes' changes into a mirror that is not shared; their writers have the outbox rows. */
  follow(changes: readonly VersionedKey[]): Promise<void>
  /** Takes what another process of this node has changed: what it could not mirror is not here either. */
  hear(news: News): void
  /** The newest change that is known not to be mirrored, if there is one. */
  readonly unmirrored: string | undefined
  /** Ends the rounds; one that runs is finished first. */
  close(): Promise<void>
}

/** Wires the relay; it looks for nothing before `start`. */
export function createRelay(deps: {
  readonly pool: pg.Pool
  readonly mirror: Mirror
  readonly truth: Truth
  /** Where the node has several processes. */
  readonly siblings?: Siblings | undefined
  readonly metrics: Metrics
  readonly log: Log
}): Relay {
  const { pool, mirror, truth, siblings, metrics, log } = deps
  const kind = mirror.shared ? 'shared' : 'own'
  let timer: NodeJS.Timeout | undefined
  let next: keyof typeof DELAYS_MS | undefined
  let round: Promise<void> | undefined
  let woken = false
  let closed = false
  /** Newest change that this node could not mirror, its own or another's; until it is, the mirror is not current. */
  let failedUpTo: string | undefined

  /** What was answered is in force in all processes of the node, whether it could be mirrored or not. */
  async function publish(changes: readonly Change[], requestId?: string): Promise<void> {
    try {
      for (let start = 0; start < changes.length; start += BATCH) {
        const slice = changes.slice(start, start + BATCH)
        await mirrorChanges(mirror, truth, slice)
        await siblings?.tellNews({ keys: slice.map(toRecordKey), unmirrored: undefined })
        await takeOut(slice)
      }
    } catch (error) {
      const told = { err: error, changes: changes.length, ...(requestId && { [REQUEST_ID_LABEL]: requestId }) }
      log.warn(told, 'changes could not be mirrored yet; the relay goes on trying')
      const unmirrored = newestOf(changes)
      fallBehind(unmirrored)
      schedule('soon')
      await siblings?.tellNews({ keys: [], unmirrored })
    }
  }

  /** What stays in the outbox is mirrored once more by the relay: the mirror lacks nothing for it. */
  async function takeOut(changes: readonly Change[]): Promise<void> {
    try {
      await deleteChanges(pool, changes, kind)
    } catch (error) {
      log.debug({ err: error }, 'mirrored changes could not be taken out of the outbox yet')
      schedule('soon')
    }
  }

  /** Answers whether that is news. */
  function fallBehind(upTo: string): boolean {
    const isNews = failedUpTo === undefined || BigInt(upTo) > BigInt(failedUpTo)
    if (isNews) failedUpTo = upTo
    mirror.setBehind(true)
    return isNews
  }

  /** Mirrors one batch of left-over changes; the answer says whether there may be more. */
  async function relayBatch(): Promise<boolean> {
    return inTransaction(pool, async (tx) => {
      const changes = await claimChanges(tx, BATCH, OWN_WRITER_MS, kind)
      if (changes.length === 0) return false
      // Read through the same connection: the embedded database has no other.
      try {
        await mirrorChanges(mirror, createTruth(tx), changes)
      } catch (error) {
        // A mirror that is read but takes nothing, out of memory for one, is behind for every node, not for the writer's.
        const unmirrored = newestOf(changes)
        if (fallBehind(unmirrored)) void siblings?.tellNews({ keys: [], unmirrored })
        throw error
      }
      await deleteChanges(tx, changes, kind)
      log.info({ changes: changes.length }, 'left-over changes mirrored')
      return changes.length === BATCH
    })
  }

  async function leaveBehindWhenMirrored(): Promise<void> {
    const upTo = failedUpTo
    if (upTo === undefined || (await hasChangesUpTo(pool, upTo)) || upTo !== failedUpTo) return
    failedUpTo = undefined
    mirror.setBehind(false)
  }

  /** Answers whether a change is left that its writer should have mirrored by now. */
  async function measure(): Promise<boolean> {
    const backlog = await measureBacklog(pool)
    metrics.outboxPending.set(backlog.pending)
    metrics.mirrorLagSeconds.set(backlog.oldestAgeSeconds)
    return backlog.oldestAgeSeconds * 1_000 > OWN_WRITER_MS
  }

  async function runRound(): Promise<void> {
    let again = woken
    woken = false
    try {
      while (!closed && (await relayBatch()));
      await leaveBehindWhenMirrored()
    } catch (error) {
      log.debug({ err: error }, 'the relay could not go on yet')
      again = true
    }
    // Most of all while nothing can be mirrored.
    await measure().then(
      // What another node holds at this moment and gives back is looked at again soon.
      (isLeftOver) => {
        again ||= isLeftOver
      },
      (error) => log.debug({ err: error }, 'the outbox could not be measured'),
    )
    round = undefined
    schedule(again || woken || failedUpTo !== undefined ? 'soon' : 'poll')
  }

  /** A round that is due soon stays so: under steady writes it would otherwise be put off for ever. */
  function schedule(when: keyof typeof DELAYS_MS): void {
    if (closed || round || next === 'soon') return
    clearTimeout(timer)
    next = when
    timer = setTimeout(begin, DELAYS_MS[when])
  }

  function begin(): void {
    next = undefined
    round = runRound()
  }

  return {
    publish,
    start: begin,
    wake() {
      woken = true
      schedule('soon')
    },
    follow: (changes) => mirrorChanges(mirror, truth, changes),
    hear({ keys, unmirrored }) {
      mirror.forget(keys)
      if (unmirrored === undefined) return
      fallBehind(unmirrored)
      schedule('soon')
    },
    get unmirrored() {
      return failedUpTo
    },
    async close() {
      closed = true
      clearTimeout(timer)
      await round
    },
  }
}

function newestOf(changes: readonly Change[]): string {
  return changes.reduce((max, { id }) => (BigInt(id) > BigInt(max) ? id : max), '0')
}

/** The key alone, as it is told to others. */
function toRecordKey(change: Change): RecordKey {
  const { kind } = change
  if (kind === 'domain') return { kind, domain: change.domain }
  if (kind === 'realm') return { kind, realm: change.realm }
  return { kind, realm: change.realm, username: change.username }
}

/** Brings keys into the mirror as they are now; one that is gone as a tombstone of its change. */
async function mirrorChanges(mirror: Mirror, truth: Truth, changes: readonly VersionedKey[]): Promise<void> {
  const found = await truth.read(changes)
  const known = new Set(found.map(nameKey))
  const gone = changes.filter((change) => !known.has(nameKey(change)))
  await mirror.apply([...found, ...gone.map(toTombstone)], truth)
}
