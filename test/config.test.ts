import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { ConfigError, readConfig } from '../src/config.js'
import { Secret } from '../src/secret.js'
import { warnOfUnknownVariables } from '../src/serve-config.js'
import { tlsPair } from './fixtures/certificate.js'
import { scratchFolder } from './fixtures/scratch.js'
import { runSipauthd } from './fixtures/sipauthd.js'

/** The faults of a configuration; empty where it is right. */
function faultsOf(env: Readonly<Record<string, string>>): readonly string[] {
  try {
    readConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

/** A configuration's values, its secrets opened. */
function valuesOf(env: Readonly<Record<string, string>>): Record<string, unknown> {
  const open = (value: unknown): unknown => {
    if (value instanceof Secret) return value.reveal()
    return Array.isArray(value) ? value.map(open) : value
  }
  return Object.fromEntries(Object.entries(readConfig(env)).map(([name, value]) => [name, open(value)]))
}

t.test('without a variable every default is in force', (t) => {
  t.same(valuesOf({}), {
    HOST: '127.0.0.1',
    API_PORT: 8080,
    AUTH_PORT: 8081,
    SIP_PORT: 5060,
    SIP_TLS_PORT: 'off',
    SIP_WS_PORT: 'off',
    DATA_DIR: './data',
    SIP_DOMAIN: 'sip.localhost',
    NONCE_SECRET_DELAY: 10,
    NONCE_TTL: 300,
    QOP: ['auth'],
    ALGORITHMS: ['MD5'],
    REPLAY_GUARD: 'available',
    THROTTLE_USER_FAILURES: 10,
    THROTTLE_SOURCE_FAILURES: 100,
    THROTTLE_WINDOW: 60,
    THROTTLE_RETRY_FAILURES: 20,
    THROTTLE_RETRY_WINDOW: 3600,
    THROTTLE_BAN: 60,
    THROTTLE_BAN_MAX: 3600,
    NEAR_CACHE_SIZE: 100_000,
    API_RATE_LIMIT: 1000,
    API_AUTH_FAILURES: 100,
    AUDIT_RETENTION_DAYS: 400,
    DRAIN_DELAY: 0,
    WORKERS: 1,
    LOG_LEVEL: 'info',
  })
  t.end()
})

t.test('a variable that is empty or blank counts as not set', (t) => {
  t.same(valuesOf({ API_PORT: '', REDIS_URL: ' ', NONCE_SECRET: '' }), valuesOf({}))
  t.end()
})

const PORTS = ['API_PORT', 'AUTH_PORT', 'SIP_PORT', 'SIP_WS_PORT']
const NO_PORTS = ['65536', '-1', '1.5', '0x50', '8080x', '1e3', '٣']
const SECONDS = ['NONCE_TTL', 'THROTTLE_WINDOW', 'THROTTLE_RETRY_WINDOW', 'THROTTLE_BAN_MAX']
const TOKENS = ['PROXY_TOKEN', 'HA1_TOKEN']

/** Values that are taken as they stand, and values that are refused with a rule. */
const CASES: Readonly<Record<string, { good: readonly string[]; bad: readonly string[] }>> = {
  ...Object.fromEntries(PORTS.map((name) => [name, { good: ['0', '1', '65535'], bad: NO_PORTS }])),
  API_PORT: { good: ['0'], bad: ['off', ...NO_PORTS] },
  AUTH_PORT: { good: ['0'], bad: ['off', ...NO_PORTS] },
  SIP_PORT: { good: ['off', '0'], bad: ['on', 'OFF'] },
  SIP_NEXT_HOP: {
    good: ['sip:gw.example.com', 'sips:gw@example.com:5061;transport=tcp', 'sip:[2001:db8::1]'],
    bad: ['gw.example.com', 'http://x', 'sip:', 'sip:a b', 'sip:a>', 'sip:a"b', 'sip:a\r\nX: y', 'tel:+1'],
  },
  DATABASE_URL: {
    good: ['postgres://u:p@db/x', 'postgresql://db', 'postgres://postgres@%2Ftmp:5433/x', 'postgres:///x?host=/tmp'],
    bad: ['mysql://db', 'postgres:', 'postgres://', 'db', 'postgres://db:99999/x', 'postgres://u:p%zz@db/x'],
  },
  REDIS_URL: {
    good: [
      'redis://h',
      'rediss://u:p@h:6380/1',
      'unix:///run/redis.sock?db=2&password=p',
      'redis+cluster://a:1,b:2',
      'redis+cluster://u:p@a,b',
      'redis+sentinel://a:1,b:2/main',
    ],
    bad: [
      'http://h',
      'redis:h',
      'redis://',
      'redis://h:99999',
      'unix://:p@h/run/x',
      'redis+cluster://a:1,b:x',
      'redis+sentinel://a,,b/m',
    ],
  },
  SIP_DOMAIN: { good: ['sip.example', 'localhost'], bad: ['a b', '-a.example', 'a_b', 'x'.repeat(101), 'a..b'] },
  MASTER_ACCOUNT_SID: { good: [`AC${'0a'.repeat(16)}`], bad: ['AC1', `AC${'0A'.repeat(16)}`, `CL${'0a'.repeat(16)}`] },
  ...Object.fromEntries(
    TOKENS.map((name) => [name, { good: ['12345678', '!"#$%&/()'], bad: ['1234567', 'with a blank', 'ünïcödé!'] }]),
  ),
  MASTER_AUTH_TOKEN: { good: ['12345678', 'newest-1, older-12'], bad: ['1234567', 'a-blank in', 'long-enough,'] },
  NONCE_SECRET: {
    good: ['12345678', 'newest-1, older-12', '#not-a-comment'],
    bad: [
      '1234567',
      'long-enough,short',
      'long-enough,',
      'with a blank',
      'with\ttab',
      'line-one\nline-two',
      'bell\u0007bell',
    ],
  },
  ...Object.fromEntries(SECONDS.map((name) => [name, { good: ['86400'], bad: ['0', '86401', 'x', '-1', '1.5'] }])),
  THROTTLE_BAN: { good: ['1'], bad: ['0', '86401'] },
  API_RATE_LIMIT: { good: ['0', '1000000'], bad: ['-1', '1000001', 'off', '1.5'] },
  API_AUTH_FAILURES: { good: ['0', '100'], bad: ['-1', '1000001', 'ten'] },
  API_TRUSTED_PROXIES: {
    good: ['127.0.0.1', '10.0.0.0/8, 2001:db8::/32', '::1'],
    bad: ['proxy', '10.0.0.0/33', '10.0.0', '127.1', '10.0.0.0/', '::1,', '*'],
  },
  AUDIT_RETENTION_DAYS: { good: ['0', '36500'], bad: ['-1', '36501', 'ever'] },
  THROTTLE_USER_FAILURES: { good: ['0', '10000'], bad: ['-1', '10001', 'ten'] },
  THROTTLE_SOURCE_FAILURES: { good: ['0', '10000'], bad: ['-1', '10001', 'ten'] },
  THROTTLE_RETRY_FAILURES: { good: ['0', '10000'], bad: ['-1', '10001', 'ten'] },
  QOP: {
    good: ['auth', 'auth,auth-int', 'auth, auth-int', 'none'],
    bad: ['auth-int', 'AUTH', 'auth,none', 'toString'],
  },
  ALGORITHMS: {
    good: ['SHA-256', 'MD5, SHA-512-256', 'SHA-512-256,SHA-256,MD5'],
    bad: ['md5', 'MD5,MD5', 'MD5-sess', 'SHA-1', 'MD5,', 'toString'],
  },
  REPLAY_GUARD: { good: ['available'], bad: ['Strict', 'off', 'constructor'] },
  DRAIN_DELAY: { good: ['0', '3600'], bad: ['-1', '3601', '5s'] },
  WORKERS: { good: ['1'], bad: ['0', '65', 'auto', '1.5', '-1'] },
  NONCE_SECRET_DELAY: { good: ['0', '30'], bad: ['-1', '3601', '1.5'] },
  LOG_LEVEL: { good: ['trace', 'fatal'], bad: ['verbose', 'INFO', 'silent'] },
  NONCE_SECRET_FILE: { good: [], bad: ['/does/not/exist', '/'] },
  SIP_TLS_CERT: { good: [], bad: ['/does/not/exist', '/etc/passwd'] },
  SIP_TLS_KEY: { good: [], bad: ['/does/not/exist', '/etc/passwd'] },
  DATA_DIR: { good: ['/tmp', '/tmp/not/yet/there'], bad: ['/etc/passwd', '/etc/passwd/below'] },
}

for (const [name, { good, bad }] of Object.entries(CASES)) {
  t.test(`${name} takes what its rule allows, and says the rule for what it does not`, (t) => {
    for (const value of good) t.same(faultsOf({ [name]: value }), [], JSON.stringify(value))
    for (const value of bad) {
      const faults = faultsOf({ [name]: value })
      t.match(faults.join('\n'), new RegExp(`\\b${name}\\b \\S`), JSON.stringify(value))
      if (/(TOKEN|SECRET)$/.test(name)) t.notOk(faults.join().includes(value), 'a secret is not repeated')
    }
    t.end()
  })
}

t.test('lists keep their order, and secrets theirs', (t) => {
  const values = valuesOf({ ALGORITHMS: 'SHA-512-256, MD5', QOP: 'auth, auth-int', NONCE_SECRET: 'newest-1, older-12' })
  t.same(values.ALGORITHMS, ['SHA-512-256', 'MD5'])
  t.same(values.QOP, ['auth', 'auth-int'])
  t.same(values.NONCE_SECRET, ['newest-1', 'older-12'])
  t.same(valuesOf({ QOP: 'none' }).QOP, [])
  t.equal(valuesOf({ SIP_DOMAIN: 'SIP.Example' }).SIP_DOMAIN, 'sip.example')
  t.end()
})

t.test('variables that contradict each other are a fault', async (t) => {
  const { cert, key, otherKey, folder } = await tlsPair()
  const secrets = join(folder, 'nonces')
  writeFileSync(secrets, 'one-secret-1\n')
  const conflicts: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ API_PORT: '9000', AUTH_PORT: '9000' }, /AUTH_PORT must differ from API_PORT/],
    [{ SIP_PORT: '9000', SIP_WS_PORT: '9000' }, /SIP_WS_PORT must differ from SIP_PORT/],
    [{ SIP_TLS_PORT: '0' }, /SIP_TLS_CERT must be set.*SIP_TLS_KEY must be set/],
    [{ SIP_TLS_PORT: '0', SIP_TLS_CERT: cert, SIP_TLS_KEY: otherKey }, /SIP_TLS_CERT and SIP_TLS_KEY/],
    [{ SIP_TLS_PORT: '0', SIP_TLS_CERT: key, SIP_TLS_KEY: key }, /SIP_TLS_CERT and SIP_TLS_KEY/],
    [{ PROXY_TOKEN: 'the-same-token', HA1_TOKEN: 'the-same-token' }, /HA1_TOKEN must differ from PROXY_TOKEN/],
    [{ NONCE_SECRET: 'one-secret-1', NONCE_SECRET_FILE: secrets }, /NONCE_SECRET must not be set beside/],
    [{ NONCE_SECRET_DELAY: '31' }, /NONCE_SECRET_DELAY must be a tenth of NONCE_TTL \(300\) at most, which is 30/],
    [{ NONCE_SECRET_DELAY: '10', NONCE_TTL: '60' }, /NONCE_TTL \(60\) at most, which is 6/],
    [{ REPLAY_GUARD: 'strict' }, /REPLAY_GUARD must not be strict without REDIS_URL/],
    [{ WORKERS: '2', DATABASE_URL: 'postgres://db/x' }, /WORKERS above 1 needs REDIS_URL: .*one process/],
    [{ WORKERS: '2', REDIS_URL: 'redis://h' }, /WORKERS above 1 needs DATABASE_URL: .*one process/],
    [{ THROTTLE_BAN: '100', THROTTLE_BAN_MAX: '99' }, /THROTTLE_BAN_MAX must not be below THROTTLE_BAN/],
  ]
  for (const [env, fault] of conflicts) t.match(faultsOf(env).join(' '), fault)
  t.same(faultsOf({ NONCE_TTL: '5' }), [], 'the default of NONCE_SECRET_DELAY gives way')
  t.same(faultsOf({ NONCE_SECRET_DELAY: '3600', NONCE_TTL: '36000' }), [])
  t.same(faultsOf({ REPLAY_GUARD: 'strict', REDIS_URL: 'redis://h' }), [])
  t.same(faultsOf({ WORKERS: '64', REDIS_URL: 'redis://h', DATABASE_URL: 'postgres://db/x' }), [])
  t.same(faultsOf({ API_PORT: '0', AUTH_PORT: '0', SIP_PORT: '0' }), [], 'free ports differ by themselves')
  t.same(faultsOf({ SIP_TLS_PORT: '0', SIP_TLS_CERT: cert, SIP_TLS_KEY: key, NONCE_SECRET_FILE: secrets }), [])
})

t.test('DATA_DIR matters only where something is kept in it', async (t) => {
  const elsewhere = {
    DATABASE_URL: 'postgres://db/x',
    MASTER_ACCOUNT_SID: `AC${'0'.repeat(32)}`,
    MASTER_AUTH_TOKEN: 'master-token',
    PROXY_TOKEN: 'proxy-token',
    NONCE_SECRET: 'nonce-secret',
  }
  t.same(faultsOf({ ...elsewhere, DATA_DIR: '/etc/passwd' }), [])
  t.match(faultsOf({ ...elsewhere, PROXY_TOKEN: '', DATA_DIR: '/etc/passwd' }).join(), /DATA_DIR/)
  const folder = await scratchFolder('locked')
  mkdirSync(join(folder, 'data'))
  chmodSync(join(folder, 'data'), 0o700)
  t.same(faultsOf({ DATA_DIR: join(folder, 'data', 'deeper') }), [])
})

t.test('variables that look like ours and are unknown are named, with the one that may be meant', (t) => {
  const set = {
    ...{
      NONCE_TTL: '5',
      THROTLE_BAN: '1',
      PATH: '/bin',
      NODE_ENV: 'production',
      HOSTNAME: 'a',
      SIP_SERVICE_HOST: '::1',
    },
    ...{ THROTTLE_BANS: '1', NONCE_SECRETFILE: 'x', NEAR_CACHE: '1', API_KEY_OF_SOMEBODY: 'not-to-be-seen' },
  }
  const lines: string[] = []
  warnOfUnknownVariables(pino({}, { write: (line) => lines.push(line) }), set)
  t.equal(lines.length, 1)
  t.match(JSON.parse(lines[0] ?? ''), {
    level: 40,
    names: ['API_KEY_OF_SOMEBODY', 'NONCE_SECRETFILE (NONCE_SECRET_FILE?)', 'THROTTLE_BANS (THROTTLE_BAN?)'],
  })
  t.notMatch(lines[0], /not-to-be-seen|PATH/)
  const none: string[] = []
  warnOfUnknownVariables(pino({}, { write: (line) => none.push(line) }), { NONCE_TTL: '5' })
  t.same(none, [])
  t.end()
})

t.test('a secret cannot be printed by accident', (t) => {
  const { PROXY_TOKEN } = readConfig({ PROXY_TOKEN: 'not-to-be-seen' })
  t.equal(PROXY_TOKEN?.reveal(), 'not-to-be-seen')
  t.notMatch(`${PROXY_TOKEN} ${JSON.stringify({ PROXY_TOKEN })} ${Object.values(PROXY_TOKEN ?? {})}`, /not-to-be-seen/)
  t.end()
})

t.test('every fault of a wrong configuration is named at once, with exit code 2 and nothing started', async (t) => {
  const { code, stdout, stderr } = await runSipauthd(['serve'], {
    API_PORT: 'http',
    SIP_NEXT_HOP: 'nowhere',
    REDIS_URL: 'memcached://h',
    NONCE_TTL: '0',
    NONCE_SECRET_FILE: '/does/not/exist',
    SIP_TLS_PORT: '5061',
    QOP: 'maybe',
    PROXY_TOKEN: 'short',
  })
  t.equal(code, 2)
  t.equal(stdout, '')
  const named = [...stderr.matchAll(/^ {2}([A-Z_0-9]+) /gm)].map(([, name]) => name)
  t.same(named.sort(), [
    'API_PORT',
    'NONCE_SECRET_FILE',
    'NONCE_TTL',
    'PROXY_TOKEN',
    'QOP',
    'REDIS_URL',
    'SIP_NEXT_HOP',
    'SIP_TLS_CERT',
    'SIP_TLS_KEY',
  ])
  t.notMatch(stderr, /\bat .*\.js:/, 'without a stack trace')
  t.notMatch(stderr, /short\b.*\n.*PROXY|memcached/, 'without the values')
})
