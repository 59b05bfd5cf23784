import { startProcess } from '../test/fixtures/process.js'
import { projectPath } from '../test/fixtures/project.js'
import { cpuSeconds } from './cpu-time.js'
import type { Deployment } from './deployment.js'
import { type Load, startLoad } from './load.js'
import { NODE_ENV } from './node-options.js'
import type { RegisterLoad } from './register-load.js'
import type { Row } from './report.js'
import { median, sideBySide } from './rounds.js'

const MS = 2_000
const ROUNDS = 5

/** Until V8 has compiled and compiled again what such a load runs through, which is more than a round. */
const WARM_UP_MS = 6_000

/** What native SIP is compared with, each a program here that answers what is hard coded. */
const LIMITS = [
  { limitIs: 'bare `sip` parser, fixed answers', program: 'bare-sip-responder', spends: false },
  { limitIs: 'the same with one bare call of Redis', program: 'bare-sip-responder', spends: true },
  { limitIs: '`sip` package with its transactions, fixed answers', program: 'sip-stack-responder', spends: false },
] as const

type Server = { readonly pid: number; readonly port: number }

/**
 * Authenticated REGISTERs over UDP beside responders that answer what is hard coded: one on the parser of the `sip`
 * package alone, the same with a call of Redis, one on the whole package. One in flight for each phone.
 */
export async function benchmarkNativeRegister(deployment: Deployment): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const limit of LIMITS) rows.push(await compare(deployment, limit))
  return rows
}

async function compare(deployment: Deployment, { limitIs, program, spends }: (typeof LIMITS)[number]): Promise<Row> {
  const { sipauthd, redisUrl, realm, password, usernames } = deployment
  const responder = await startProcess(undefined, {
    command: process.execPath,
    args: [projectPath(`dist-test/benchmarks/${program}.js`), ...(spends ? [redisUrl] : [])],
    env: NODE_ENV,
  })
  const [, port] = await responder.waitFor(/^ready (\d+)/m)
  const start = async (server: Server) => {
    const load = await startLoad<RegisterLoad>('register-load', { port: server.port, realm, password, usernames })
    await load.run(WARM_UP_MS)
    return withCpuTime(server, load)
  }
  const ours = await start({ pid: sipauthd.pid, port: sipauthd.sip.port })
  const theirs = await start({ pid: responder.pid, port: Number(port) })
  const figures = await sideBySide(ours.run, theirs.run, ROUNDS)
  const note = `CPU time of the server: ${ours.cpuTime()} a request, beside ${theirs.cpuTime()}.`
  await Promise.all([ours.stop(), theirs.stop()])
  await responder.stop()
  const what = `native REGISTER, UDP, ${usernames.length} phones`
  return { what, limitIs, unit: '/s', target: { atLeast: 0.8 }, ...figures, note }
}

/** Runs of a load with the CPU time that the server used for each request: it moves less than the rate. */
function withCpuTime({ pid }: Server, load: Load) {
  const micros: number[] = []
  return {
    async run() {
      const before = cpuSeconds([pid])
      const rate = await load.run(MS)
      micros.push(((cpuSeconds([pid]) - before) / ((rate * MS) / 1000)) * 1e6)
      return rate
    },
    cpuTime: () => `${median(micros).toFixed(0)} µs`,
    stop: load.stop,
  }
}
