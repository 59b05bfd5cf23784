import { readFileSync } from 'node:fs'
import { processTree } from '../test/fixtures/process-tree.js'

/** Linux counts a process's time in hundredths of a second. */
const TICKS_PER_SECOND = 100

/** CPU seconds that processes, and all below them, have used so far, in their own code and in the kernel. */
export function cpuSeconds(pids: readonly number[]): number {
  const all = new Set(pids.flatMap((pid) => processTree(pid)))
  return [...all].reduce((sum, pid) => sum + ticksOf(pid), 0) / TICKS_PER_SECOND
}

/** User and system time of one process: the 14th and 15th field of its stat (proc(5)). */
function ticksOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

/** CPU seconds of a process's first thread so far, to the nanosecond: its schedstat (proc(5) of the kernel's documentation). */
export function mainThreadSeconds(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ', 1)[0]) / 1e9
}
