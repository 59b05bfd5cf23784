import { randomBytes } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { readdir, unlink } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { FolderLock } from './folder-lock.js'

const LOCK_NAME = /^lock-[0-9a-f]{16}\.sock$/

/**
 * Locks a folder by a socket file of its own name in it: whoever comes listens on his own first, and only then looks
 * who else does. So of two that come at one moment at least one sees the other and gives way (both may), and the file
 * of a killed process can be removed without a race: its name never comes again. Undefined where another listens.
 */
export async function lockInside(folder: string): Promise<FolderLock | undefined> {
  const short = shortName(folder)
  const own = `lock-${randomBytes(8).toString('hex')}.sock`
  const held = await holdAddress(`${short.path}/${own}`).catch((error) => {
    short.close()
    throw error
  })
  const lock = { release: () => (held?.release() ?? Promise.resolve()).finally(short.close) }
  try {
    const others = (await readdir(folder)).filter((name) => LOCK_NAME.test(name) && name !== own)
    const answered = await Promise.all(others.map((name) => isHeld(`${short.path}/${name}`)))
    if (held && !answered.includes(true)) return lock
  } catch (error) {
    await lock.release()
    throw error
  }
  await lock.release()
  return undefined
}

/** A path for the folder that fits an address of 108 bytes, however long its own is: `unix(7)`, `proc_pid_fd(5)`. */
function shortName(folder: string): { readonly path: string; close(): void } {
  if (process.platform !== 'linux') return { path: folder, close: () => undefined }
  const descriptor = openSync(folder, 'r')
  return { path: `/proc/self/fd/${descriptor}`, close: () => closeSync(descriptor) }
}

/** Whether a process listens there; removes the file of one that is gone. What cannot be told counts as held. */
async function isHeld(path: string): Promise<boolean> {
  const code = await probe(path)
  if (code === 'ENOENT') return false
  if (code !== 'ECONNREFUSED') return true
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  return false
}

function probe(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(undefined)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'))
  })
}

/** Listens on the address until it is released; undefined where someone else does. */
export function holdAddress(address: string): Promise<FolderLock | undefined> {
  const server = createServer((socket) => socket.destroy())
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen(address, () => {
      server.unref()
      resolve({ release: () => new Promise((done) => server.close(() => done())) })
    })
  })
}
