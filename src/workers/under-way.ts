import type { Socket } from 'node:net'
import type { DoorName } from './protocol.js'

/** A connection that is given to a worker. */
export type GivenConnection = { readonly door: DoorName; readonly socket: Socket }

/** Connections that were given to one worker and that it has not said a word about. This process holds on to each. */
export type UnderWay = {
  /** Adds a connection; what is returned names it. */
  add(connection: GivenConnection): number
  /** Takes one out. */
  take(id: number): GivenConnection | undefined
  /** Takes all out. */
  takeAll(): readonly GivenConnection[]
}

/** What becomes of a worker that is silent. */
export type UnderWayDeps = {
  /** How long a worker may say nothing about a connection, in ms. */
  readonly silenceMs: number
  /** Asks the worker whether it is there, behind all that it was told before; rejects where it does not say so in time. */
  call(): Promise<void>
  /** It is being called: nothing more should be given to it. */
  onSilent(): void
  /** It has answered; `lost` are the connections that it was given before and has never got. */
  onHeard(lost: readonly GivenConnection[]): void
  /** It has not. */
  onDead(): void
}

/**
 * Begins with none. A worker is called where it says nothing about a connection for too long. One that is stuck does not
 * answer. One that has no file descriptor left does, and has not got the connection: node has tried four times and given
 * it up without a word. What a worker is told arrives in its order, so that an answer tells the two apart.
 */
export function followUnderWay({ silenceMs, call, onSilent, onHeard, onDead }: UnderWayDeps): UnderWay {
  const connections = new Map<number, GivenConnection>()
  let given = 0
  let timer: NodeJS.Timeout | undefined
  let calling = false

  /** Looks after those that are there now; later ones have their own time. */
  function watch(): void {
    const last = given
    timer = setTimeout(() => {
      timer = undefined
      if ([...connections.keys()].some((id) => id <= last)) void enquire()
      else if (connections.size > 0) watch()
    }, silenceMs)
  }

  async function enquire(): Promise<void> {
    const last = given
    calling = true
    onSilent()
    try {
      await call()
    } catch {
      return onDead()
    } finally {
      calling = false
    }
    const lost = [...connections].filter(([id]) => id <= last)
    for (const [id] of lost) connections.delete(id)
    if (connections.size > 0) watch()
    onHeard(lost.map(([, connection]) => connection))
  }

  return {
    add(connection) {
      connections.set(++given, connection)
      if (timer === undefined && !calling) watch()
      return given
    },
    take(id) {
      const connection = connections.get(id)
      connections.delete(id)
      return connection
    },
    takeAll() {
      clearTimeout(timer)
      const all = [...connections.values()]
      connections.clear()
      return all
    },
  }
}
