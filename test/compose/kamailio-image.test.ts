import t from 'tap'
import { runProcess } from '../fixtures/process.js'
import { projectPath } from '../fixtures/project.js'
import { interpolate, readComposition } from './composition.js'
import { copies, readStages, texts, words } from './dockerfile.js'

const [image = []] = readStages('kamailio/Dockerfile')
const kamailio = readComposition().service('kamailio')
const env = { PROXY_TOKEN: 'pr0xy-token', PUBLIC_ADDRESS: '192.0.2.1' }

/** The image's command line with the composition's arguments, its configuration where it lies in the project. */
function commandLine(): string[] {
  const args = [...texts(image, 'ENTRYPOINT').flatMap(words), ...(kamailio.command ?? [])]
  return args.map((arg) => interpolate(arg, env).replace(/^\/etc\/kamailio\//, projectPath('kamailio/')))
}

t.test('Kamailio accepts the shipped configuration as the composition starts it', async (t) => {
  const [command = '', ...args] = commandLine()
  const entries = Object.entries(kamailio.environment ?? {})
  const { code, stderr } = await runProcess({
    command: `/usr/sbin/${command}`,
    args: ['-c', ...args],
    env: Object.fromEntries(entries.map(([name, value]) => [name, interpolate(String(value), env)])),
  })
  t.equal(code, 0, stderr)
  t.match(stderr, /config file ok/)
})

t.test('its image has the configuration where the command line looks for it', async (t) => {
  const [{ sources, target } = { sources: [], target: '' }] = copies(image)
  const args = texts(image, 'ENTRYPOINT').flatMap(words)
  t.equal(args[args.indexOf('-f') + 1], `${target}kamailio.cfg`)
  t.strictSame(sources, ['kamailio.cfg', 'sipauth.cfg'])
})

t.test('without PUBLIC_ADDRESS it can be reached from its own machine', async (t) => {
  const args = kamailio.command?.map((arg) => interpolate(arg, {}))
  t.strictSame(args, ['-l', 'udp:0.0.0.0:5060/127.0.0.1:5060', '-l', 'tcp:0.0.0.0:5060/127.0.0.1:5060'])
})
