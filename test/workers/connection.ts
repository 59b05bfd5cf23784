import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { Agent, request } from 'node:http'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Owner } from '../fixtures/process.js'
import { processTree } from '../fixtures/process-tree.js'
import { until } from '../fixtures/until.js'
import { BEARER } from '../lookup/proxy.js'

/** A verdict as the lookup API gives it. */
export type Verdict = { readonly status: number; readonly reason: string; readonly headers: readonly string[] }

/** A kept-alive connection to a node's lookup API. */
export type Connection = {
  /** Process at its other end. */
  readonly pid: number
  /** Sends a form to `/v1/verify`; one at a time. Rejects where the connection breaks: another takes its place. */
  verify(form: Readonly<Record<string, string>>): Promise<Verdict>
}

/** Opens a connection to one of the processes below `pid` that serve at `auth`, and asks it something. */
export async function openConnection(
  t: Owner,
  { auth, pid }: { readonly auth: string; readonly pid: number },
): Promise<Connection> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  let localPort = 0

  function ask(path: string, form?: Readonly<Record<string, string>>): Promise<string> {
    const body = form && new URLSearchParams(form).toString()
    const headers = { ...BEARER, ...(body && { 'content-type': 'application/x-www-form-urlencoded' }) }
    return new Promise((resolve, reject) => {
      const asking = request(`${auth}${path}`, { agent, headers, method: body ? 'POST' : 'GET' }, (response) =>
        text(response).then(resolve, reject),
      )
      asking.on('socket', (socket: Socket) => {
        if (!socket.connecting) localPort = socket.localPort ?? 0
        else
          socket.once('connect', () => {
            localPort = socket.localPort ?? 0
          })
      })
      asking.on('error', reject)
      asking.end(body)
    })
  }

  await ask('/healthz')
  // Processes come and go while their tree is read, and the kernel's list of connections is not of one moment either.
  const owner = await until(() => findOwner(processTree(pid), Number(new URL(auth).port), localPort))
  if (owner === undefined) throw new Error(`nobody below ${pid} has a connection from port ${localPort}`)
  return {
    pid: owner,
    verify: async (form) => JSON.parse(await ask('/v1/verify?http=200', form)) as Verdict,
  }
}

/**
 * Which of the processes, if any, serves a TCP connection over IPv4 (proc(5): tcp, fd), where `pids` are a process and
 * those that it has started. It is the last that holds the server's end: a primary holds a second handle of it until it
 * hears that a worker has taken it.
 */
export function findOwner(pids: readonly number[], serverPort: number, clientPort: number): number | undefined {
  const [local, remote] = [serverPort, clientPort].map((port) => port.toString(16).toUpperCase().padStart(4, '0'))
  const connections = readFileSync('/proc/net/tcp', 'latin1')
  const [, inode] = new RegExp(`:${local} \\w+:${remote} (?:\\S+ +){6}(\\d+)`).exec(connections) ?? []
  return pids.findLast((pid) =>
    readDescriptors(pid).some((fd) => readLink(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`),
  )
}

function readDescriptors(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`)
  } catch {
    return [] // it ended meanwhile
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return '' // it was closed meanwhile
  }
}
