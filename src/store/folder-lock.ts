import { createHash } from 'node:crypto'
import { holdAddress, lockInside } from './lock-socket.js'

/** Holds a folder for one process of this machine; the system frees it when the process dies, however it dies. */
export type FolderLock = { release(): Promise<void> }

/**
 * Takes the lock; undefined while another process has it. Of several that ask at one moment, at most one gets it.
 * Containers that share the folder have neither network nor process ids in common, so the lock stands in the folder;
 * before it comes a quicker one, which lets just one of those processes through that share the network.
 */
export async function lockFolder(folder: string): Promise<FolderLock | undefined> {
  const gate = await enterGate(folder)
  if (!gate) return undefined
  try {
    const lock = process.platform === 'win32' ? gate : await lockInside(folder)
    if (lock && lock !== gate) return { release: () => lock.release().finally(() => gate.release()) }
    if (lock) return lock
  } catch (error) {
    await gate.release()
    throw error
  }
  await gate.release()
  return undefined
}

/** An address that the system frees by itself: an abstract socket or a named pipe; elsewhere the gate stands open. */
async function enterGate(folder: string): Promise<FolderLock | undefined> {
  const name = `sipauthd-${createHash('sha256').update(folder).digest('hex').slice(0, 32)}`
  if (process.platform === 'linux') return holdAddress(`\0${name}`)
  if (process.platform === 'win32') return holdAddress(`\\\\.\\pipe\\${name}`)
  return { release: async () => undefined }
}
