import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** Which core the load has to itself; where there is only one core, all share it. */
const LOAD_CORE = 0

/** Puts a command on the load's core. */
export function onLoadCore(command: readonly string[]): readonly string[] {
  return availableParallelism() > 1 ? ['taskset', '-c', String(LOAD_CORE), ...command] : command
}

/** While `work` runs, all that it starts stays off the load's core; as many cores as are left, one at the most. */
export async function offLoadCore<T>(work: () => Promise<T>): Promise<T> {
  if (availableParallelism() < 2) return work()
  const pin = (cores: string) => execFileSync('taskset', ['-acp', cores, String(process.pid)])
  pin(String(LOAD_CORE + 1))
  try {
    return await work()
  } finally {
    pin(`0-${availableParallelism() - 1}`)
  }
}
