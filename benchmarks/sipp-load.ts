import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../test/fixtures/ports.js'
import { runProcess } from '../test/fixtures/process.js'
import { projectPath } from '../test/fixtures/project.js'
import { scratchFolder } from '../test/fixtures/scratch.js'
import { onLoadCore } from './affinity.js'

/** SIPp as the load: phones that register, each with REGISTER, 401, REGISTER with credentials, 200. */
export type SippLoad = {
  /** So many registrations by random users, a number of them at a time; answers how many there were in a second. */
  register(target: string, calls: number): Promise<number>
}

/** Registrations in flight: enough to keep every worker of the proxy busy. */
const AT_ONCE = 64

/** Users are `user0` to `user<users - 1>`, all with one password. */
export async function createSippLoad(options: {
  readonly users: number
  readonly realm: string
  readonly password: string
}): Promise<SippLoad> {
  const { users, realm, password } = options
  const folder = await scratchFolder('sipp')
  const file = join(folder, 'users.csv')
  const row = (name: string) => `${name};${password};${realm};[authentication username=${name} password=${password}];`
  const rows = Array.from({ length: users }, (_, index) => row(`user${index}`))
  writeFileSync(file, ['RANDOM', ...rows, ''].join('\n'))
  // The same for all runs: phones with another contact each time would soon have more than a registrar takes.
  const ports = [String(await freePort()), String(await freePort())] as const
  return {
    async register(target, calls) {
      const args = [target, '-sf', projectPath('test/fixtures/sipp/register.xml'), '-inf', file, '-auth_uri', realm]
      args.push('-i', '127.0.0.1', '-p', ports[0], '-mp', ports[1], '-t', 'u1')
      args.push(
        '-m',
        String(calls),
        '-l',
        String(AT_ONCE),
        '-r',
        '100000',
        '-timer_resol',
        '1',
        '-buff_size',
        '1048576',
      )
      args.push('-nostdin', '-timeout', '60s', '-timeout_error')
      const [command = '', ...rest] = onLoadCore(['sipp', ...args])
      const { code, stdout, stderr } = await runProcess({ command, args: rest, cwd: folder })
      const last = (name: string) => {
        const line = stdout.slice(stdout.lastIndexOf(name)).split('\n')[0] ?? ''
        return Number(/([\d.]+)(?: cps)?\s*$/.exec(line)?.[1])
      }
      const [rate, failed] = [last('Call Rate'), last('Failed call')]
      // Where the machine stands still for a moment, a few are told to come back.
      if (failed <= calls / 100) return (rate * (calls - failed)) / calls
      throw new Error(`SIPp ended with ${code} and ${failed} failures: ${stderr}${stdout.slice(-3000)}`)
    },
  }
}
