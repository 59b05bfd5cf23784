import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'
import { projectPath } from './fixtures/project.js'

type Import = {
  /** File with the import, from the folder `src`. */
  readonly from: string
  /** A package or a `node:` module; or a file of ours, from the folder `src`, without its ending. */
  readonly to: string
  readonly isOurs: boolean
  /** Whether only types are taken, which leave nothing in the program. */
  readonly isTypeOnly: boolean
}

const FILES = readdirSync(projectPath('src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
)
const SOURCES = new Map(FILES.map((file) => [file, readFileSync(join(projectPath('src'), file), 'utf8')]))
const IMPORT = /^(?:import|export)\s+(?:(type)\s+)?(?:([^'"()]*?)\s+from\s+)?'([^']+)'|\bimport\('([^']+)'\)/gm

const IMPORTS: readonly Import[] = [...SOURCES].flatMap(([from, source]) =>
  [...source.matchAll(IMPORT)].map(([, type, names = '', path, dynamic]) => {
    const named = path ?? dynamic ?? ''
    const isOurs = named.startsWith('.')
    const to = isOurs ? normalize(join(dirname(from), named)).replace(/\.js$/, '') : named
    const members = names.replaceAll(/[{}]/g, '').split(',')
    const typesAlone = names.startsWith('{') && members.every((member) => /^\s*(type\s|$)/.test(member))
    return { from, to, isOurs, isTypeOnly: type !== undefined || typesAlone }
  }),
)

/** The room of a file: its folder below `src`, or the file itself where it stands in none. */
function roomOf(path: string): string {
  return path.includes('/') ? (path.split('/')[0] ?? '') : path.replace(/\.ts$/, '')
}

/** Imports of a room's files that go to other files of ours and break the rule. */
function strays(room: string, isAllowed: (one: Import) => boolean): readonly string[] {
  return IMPORTS.filter(({ from, to, isOurs }) => roomOf(from) === room && isOurs && roomOf(to) !== room)
    .filter((one) => !isAllowed(one))
    .map(({ from, to }) => `${from} imports ${to}`)
}

/** What more than one room may use: words of the house that have no room of their own. */
const WORDS = [
  'log',
  'names',
  'metrics',
  'credential',
  'errors',
  'sid',
  'author',
  'sip-domain',
  'request-id',
  'secure-headers',
  'openapi/door',
  'turnstile',
  'circuit',
]

/** What both stores hold, and how it is named. */
const RECORDS = ['credential', 'realm-offer', 'sip-domain', 'record-key']

t.test('every import of every file is seen', (t) => {
  t.ok(FILES.length > 100)
  t.ok(IMPORTS.length > 300)
  const rooms = new Set(FILES.map(roomOf))
  for (const room of ['digest', 'auth', 'lookup', 'sip', 'api', 'store', 'mirror', 'redis', 'provision', 'bulk']) {
    t.ok(rooms.has(room), room)
  }
  const unknown = IMPORTS.filter(({ to, isOurs }) => isOurs && !SOURCES.has(`${to}.ts`))
  t.same(unknown, [], 'each one that is ours leads to a file')
  t.end()
})

t.test('digest imports nothing of ours, and no package', (t) => {
  t.same(
    strays('digest', () => false),
    [],
  )
  const packages = IMPORTS.filter(
    ({ from, to, isOurs }) => roomOf(from) === 'digest' && !isOurs && to !== 'node:crypto',
  )
  t.same(packages, [])
  t.end()
})

t.test('store and mirror never import each other, and of the hot path only types', (t) => {
  const typesOf = ({ to, isTypeOnly }: Import) => isTypeOnly && roomOf(to) === 'auth'
  const plain = ['log', 'package-root', 'errors', 'author', 'circuit', ...RECORDS]
  t.same(
    strays('store', (one) => typesOf(one) || [...plain, 'digest'].includes(roomOf(one.to))),
    [],
  )
  t.same(
    strays('mirror', (one) => typesOf(one) || [...plain, 'digest', 'redis'].includes(roomOf(one.to))),
    [],
  )
  t.end()
})

t.test('auth knows neither database nor Redis nor HTTP', (t) => {
  const read = ['credential', 'realm-offer', 'sip-domain']
  t.same(
    strays('auth', ({ to }) =>
      ['digest', 'log', 'metrics', 'names', 'time-limit', 'turnstile', 'circuit', 'unprintable', ...read].includes(
        roomOf(to),
      ),
    ),
    [],
  )
  const packages = IMPORTS.filter(({ from, isOurs }) => roomOf(from) === 'auth' && !isOurs).map(({ to }) => to)
  t.same([...new Set(packages)].sort(), ['ipaddr.js', 'lru-cache', 'node:crypto', 'node:perf_hooks'])
  t.end()
})

t.test('the doors lookup and sip use auth alone, and never each other', (t) => {
  const digest = ['digest/challenge', 'digest/algorithm', 'digest/equal', 'digest/hex']
  const words = ['answering', 'log', 'names', 'metrics', 'credential', 'request-id', 'secure-headers', 'openapi/door']
  for (const door of ['lookup', 'sip']) {
    t.same(
      strays(door, ({ to }) => roomOf(to) === 'auth' || digest.includes(to) || words.includes(to)),
      [],
      door,
    )
  }
  t.end()
})

/** What each file of a room takes from the store, as it says so. */
function namesTakenFromStore(room: string): readonly string[] {
  const namesTaken = /import\s+(?:type\s+)?\{([^}]*)\}\s+from\s+'[./]*\/store\/[^']+'/g
  return [...SOURCES]
    .filter(([file]) => roomOf(file) === room)
    .flatMap(([file, source]) => [...source.matchAll(namesTaken)].map(([, names = '']) => `${file}: ${names.trim()}`))
}

function writesTakenFromStore(room: string): readonly string[] {
  const writing = /\b(?:insert|update|delete|lock|claim|touch|append|set|remove|write)[A-Z]\w*|\binTransaction\b/
  return namesTakenFromStore(room).filter((names) => writing.test(names))
}

t.test('api writes through provision alone, and of store only reads', (t) => {
  const others = ['provision', 'digest/equal', 'digest/algorithm', 'openapi/document', ...WORDS]
  t.same(
    strays('api', ({ to }) => roomOf(to) === 'store' || others.includes(to)),
    [],
  )
  t.ok(namesTakenFromStore('api').length > 5, 'api does read')
  t.same(writesTakenFromStore('api'), [])
  t.end()
})

t.test('bulk writes through provision alone, and of store only reads', (t) => {
  const others = ['provision', 'digest/algorithm', 'secret', 'unprintable', ...WORDS]
  t.same(
    strays('bulk', ({ to }) => ['store', 'provision'].includes(roomOf(to)) || others.includes(to)),
    [],
  )
  t.same(writesTakenFromStore('bulk'), [])
  t.end()
})

t.test('openapi describes what it is told of, and knows nothing of ours', (t) => {
  t.same(
    strays('openapi', () => false),
    [],
  )
  t.end()
})

t.test('redis implements what auth and sip declare, and knows nothing else', (t) => {
  const declared = ['auth/failure-record', 'auth/replay-guard', 'sip/bindings', 'sip/bindings-change', 'log']
  t.same(
    strays('redis', ({ to }) => declared.includes(to)),
    [],
  )
  t.end()
})

t.test('only the command serve imports main, and only the command worker imports worker', (t) => {
  for (const [composition, command] of [
    ['main', 'commands/serve.ts'],
    ['worker', 'commands/worker.ts'],
  ]) {
    const importers = IMPORTS.filter(({ to }) => to === composition).map(({ from }) => from)
    t.same(importers, [command])
  }
  t.end()
})

t.test('only cli imports commands, and nothing imports cli', (t) => {
  const importers = IMPORTS.filter(({ from, to }) => roomOf(to) === 'commands' && roomOf(from) !== 'commands')
  t.same([...new Set(importers.map(({ from }) => from))], ['cli.ts'])
  t.same(
    IMPORTS.filter(({ to }) => to === 'cli'),
    [],
  )
  t.end()
})

t.test('pg is imported where SQL or its pool is at home, ioredis in redis and what the mirror needs of it', (t) => {
  const users = (name: string) => [
    ...new Set(IMPORTS.filter(({ to, isTypeOnly }) => to === name && !isTypeOnly).map(({ from }) => roomOf(from))),
  ]
  t.same(users('pg').sort(), ['bulk', 'store'], 'bulk reads databases of other programs')
  t.same(
    users('ioredis').filter((room) => room !== 'mirror'),
    ['redis'],
  )
  t.same(users('fastify').sort(), ['api', 'lookup', 'openapi'])
  t.end()
})

/** Files whose source, without its comments, matches. */
function filesWith(pattern: RegExp): readonly string[] {
  return [...SOURCES]
    .filter(([, source]) => pattern.test(source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')))
    .map(([file]) => file)
}

t.test('only config reads the environment', (t) => {
  t.same(filesWith(/\bprocess\s*\.\s*env\b|\benv\s*[,}].*from 'node:process'/), ['config.ts'])
  t.end()
})

t.test('nothing is printed through console, and nothing is exported by default', (t) => {
  t.same(filesWith(/\bconsole\s*\./), [])
  t.same(filesWith(/\bexport\s+default\b|\bas\s+default\b/), [])
  t.end()
})

t.test('secrets are compared in one place', (t) => {
  t.same(filesWith(/\btimingSafeEqual\b/), ['digest/equal.ts'])
  t.end()
})
