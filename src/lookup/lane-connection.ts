import type { Socket } from 'node:net'
import { type KnownHead, rememberHead } from './lane-head.js'
import { BODY_MAX, type LaneRequest, readLaneRequest } from './lane-request.js'

/** What the connections of a lane have in common. */
export type LaneShared = {
  /**
   * Answers a request: calls `write` later, once, with the bytes of the answer, a character each. False, and nothing
   * done, where it is for node and Fastify to answer.
   */
  answer(request: LaneRequest, write: (answer: string) => void): boolean
  /** Gives the connection away for good; what has arrived on it and was not answered comes first. */
  handOver(socket: Socket, rest: Buffer): void
  /** The client has ended the connection within a request. */
  refuseEnd(socket: Socket): void
  /** An answer begins to be made. */
  onAnswering(socket: Socket): void
  /** An answer has been written. */
  onAnswered(socket: Socket): void
  /** The connection is no longer the lane's. */
  onLeft(socket: Socket): void
  /** Whether nothing new is taken. */
  isClosing(): boolean
  now(): number
}

/** A connection that is in the lane. */
export type LaneConnection = {
  readonly isAnswering: boolean
  /** Whether a client was answered on it, and has begun no further request. */
  readonly isKeptAlive: boolean
  /** When it was opened, was answered last, or began to send what is not whole yet; ms. */
  readonly since: number
  /** Leaves the lane. */
  handOver(): void
}

/** Unanswered bytes beyond which a connection is not read any further. */
const HELD_MAX = 131_072
const NOTHING = Buffer.alloc(0)

/** Answers one request after the other, in their order, for as long as they are of the lane's form. */
export function openLaneConnection(socket: Socket, shared: LaneShared): LaneConnection {
  let held: Buffer = NOTHING
  let known: KnownHead | undefined
  let answering = false
  let answered = false
  let ended = false
  let since = shared.now()

  function onData(chunk: Buffer): void {
    // Counted from its first byte, so that a request that comes byte by byte gets no more time.
    if (held.length === 0) since = shared.now()
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    if (!answering) next()
    else if (held.length > HELD_MAX) socket.pause()
  }

  function next(): void {
    const read = known?.read(held) ?? readLaneRequest(held)
    if (read.kind === 'incomplete') {
      if (ended) leave(() => shared.refuseEnd(socket))
      return
    }
    answering = read.kind === 'request' && shared.answer(read, write)
    if (read.kind === 'foreign' || !answering) {
      handOver()
      return
    }
    if (!read.isKnown) known = rememberHead(held, read, BODY_MAX)
    held = held.length === read.length ? NOTHING : held.subarray(read.length)
    shared.onAnswering(socket)
  }

  function write(answer: string): void {
    if (socket.destroyed) return
    if (socket.write(answer, 'latin1')) done()
    // A client that does not read its answers gets no more of them.
    else socket.once('drain', done)
  }

  function done(): void {
    answering = false
    answered = true
    since = shared.now()
    shared.onAnswered(socket)
    if (held.length === 0) {
      if (ended || shared.isClosing()) socket.end()
      return
    }
    if (socket.isPaused()) socket.resume()
    next()
  }

  function onEnd(): void {
    ended = true
    if (answering) return
    if (held.length === 0) socket.end()
    else leave(() => shared.refuseEnd(socket))
  }

  /** Whatever breaks a connection also closes it. */
  function onError(): void {
    socket.destroy()
  }

  function onClose(): void {
    shared.onLeft(socket)
  }

  function leave(then: () => void): void {
    socket.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose)
    shared.onLeft(socket)
    then()
  }

  function handOver(): void {
    // Nobody else can be given what a client said before it ended its side.
    leave(() => (ended ? socket.end() : shared.handOver(socket, held)))
  }

  socket.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose)
  return {
    get isAnswering() {
      return answering
    },
    get isKeptAlive() {
      return answered && held.length === 0
    },
    get since() {
      return since
    },
    handOver,
  }
}
