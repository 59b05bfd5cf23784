import { createHash } from 'node:crypto'
import { unlink } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'

/** Holds a folder for one process of this machine; the system frees it when the process dies, however it dies. */
export type FolderLock = { release(): Promise<void> }

/** Takes the lock; undefined while another process has it. */
export async function lockFolder(folder: string): Promise<FolderLock | undefined> {
  const address = lockAddress(folder)
  let server = await tryListen(address)
  // A socket file outlives a killed process, an abstract socket and a named pipe do not.
  if (!server && address.startsWith(folder) && !(await isAnswered(address))) {
    await unlink(address)
    server = await tryListen(address)
  }
  if (!server) return undefined
  const held = server
  return { release: () => new Promise((resolve) => held.close(() => resolve())) }
}

function lockAddress(folder: string): string {
  const name = `sipauthd-${createHash('sha256').update(folder).digest('hex').slice(0, 32)}`
  if (process.platform === 'linux') return `\0${name}`
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`
  return join(folder, 'lock.sock')
}

/** Listens on the address; undefined where someone else does. */
function tryListen(address: string): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy())
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen(address, () => {
      server.unref()
      resolve(server)
    })
  })
}

function isAnswered(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(address)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}
