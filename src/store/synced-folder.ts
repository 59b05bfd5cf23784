import { fsyncSync } from 'node:fs'
import { PGlite } from '@electric-sql/pglite'
import { NodeFS } from '@electric-sql/pglite/nodefs'

/**
 * PGlite's start parameters, with PostgreSQL's own syncing switched on; they go with a `SyncedFolder`. `fsync` is the
 * method because Emscripten's `fdatasync` does nothing.
 */
export const DURABLE: string[] = [
  ...PGlite.defaultStartParams.filter((param) => param !== '-F'),
  ...['-c', 'fsync=on', '-c', 'wal_sync_method=fsync'],
]

/** What Emscripten calls for `fsync`, where a file system has it; `nfd` is Node's file descriptor. */
type StreamOps = { fsync?: (stream: { readonly nfd: number }) => number }

/**
 * A folder in which PostgreSQL's `fsync` reaches the disk, so that what was committed outlasts a power failure: PGlite's
 * own leaves it out.
 */
export class SyncedFolder extends NodeFS {
  override async init(...[lite, options]: Parameters<NodeFS['init']>) {
    const { emscriptenOpts } = await super.init(lite, options)
    const addSync = (module: { NODEFS?: { stream_ops?: StreamOps } }) => {
      const operations = module.NODEFS?.stream_ops
      if (!operations) throw new Error('this PGlite has no file operations that fsync can be added to')
      operations.fsync = ({ nfd }) => syncToDisk(nfd)
    }
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), addSync] } }
  }
}

/** WASI's number for an input/output error; PostgreSQL stops at it, as it must. */
const EIO = 29

function syncToDisk(descriptor: number): number {
  try {
    fsyncSync(descriptor)
    return 0
  } catch {
    return EIO
  }
}
