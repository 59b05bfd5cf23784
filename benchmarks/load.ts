import { fork } from 'node:child_process'
import { once } from 'node:events'
import { projectPath } from '../test/fixtures/project.js'

/** A load generator in a process of its own, so that the server is what is measured. */
export type Load = {
  /** Loads the server for so long; good answers a second. Rejects where more than 1 % were not. */
  run(ms: number): Promise<number>
  stop(): Promise<void>
}

/** What one run of a generator came to. */
export type LoadResult = {
  readonly good: number
  readonly bad: number
  readonly seconds: number
  /** One of the bad answers. */
  readonly example: string | undefined
}

/** Starts a generator: the name of a file here that calls `serveLoad`, and what that wants. */
export async function startLoad<T extends object>(name: string, options: T): Promise<Load> {
  const script = projectPath(`dist-test/benchmarks/${name}.js`)
  const child = fork(script, [], { stdio: 'inherit', serialization: 'advanced' })
  child.send(options)
  await once(child, 'message')
  return {
    async run(ms) {
      child.send(ms)
      const [{ good, bad, seconds, example }] = (await once(child, 'message')) as [LoadResult]
      // Where the machine stands still for a moment, a few are told to come back.
      if (bad > good / 100)
        throw new Error(`${bad} answers were not as they should be, ${good} were; one was:\n${example}`)
      return good / seconds
    },
    async stop() {
      const exit = once(child, 'exit')
      child.disconnect()
      await exit
    },
  }
}

/** The generator's side: prepares once, then runs for as many ms as it is told, again and again. */
export function serveLoad<T>(prepare: (options: T) => Promise<(ms: number) => Promise<LoadResult>>): void {
  const say = (message: unknown) => process.send?.(message)
  process.once('disconnect', () => process.exit(0))
  process.once('message', async (options) => {
    const run = await prepare(options as T)
    process.on('message', async (ms) => say(await run(ms as number)))
    say('ready')
  })
}
