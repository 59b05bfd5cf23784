import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ConfigError, readConfig } from '../src/config.js'
import { type LoadedSecrets, loadSecrets, readNonceSecretFile, rotateKeptMasterToken } from '../src/secrets.js'
import { scratchFolder } from './fixtures/scratch.js'

function reveal({ secrets }: LoadedSecrets): Record<string, unknown> {
  return {
    sid: secrets.masterAccountSid,
    token: secrets.masterAuthTokens.map((token) => token.reveal()).join(),
    proxy: secrets.proxyToken.reveal(),
    ha1: secrets.ha1Token?.reveal(),
    nonces: secrets.nonceSecrets.map((secret) => secret.reveal()),
  }
}

t.test('secrets are generated once, kept with mode 0600, and found again', async (t) => {
  const DATA_DIR = join(await scratchFolder('data'), 'new', 'folder')
  const first = await loadSecrets(readConfig({ DATA_DIR }))
  t.same(
    first.generated.map(({ name }) => name),
    ['MASTER_ACCOUNT_SID', 'MASTER_AUTH_TOKEN', 'PROXY_TOKEN', 'NONCE_SECRET'],
  )
  t.match(reveal(first), { sid: /^AC[0-9a-f]{32}$/, token: /^[0-9a-f]{32}$/, proxy: /^[0-9a-f]{32}$/, ha1: undefined })
  t.equal(first.path, join(DATA_DIR, 'secrets.env'))
  t.equal(statSync(first.path).mode & 0o777, 0o600)
  t.equal(statSync(DATA_DIR).mode & 0o777, 0o700)

  const text = readFileSync(first.path, 'utf8')
  const second = await loadSecrets(readConfig({ DATA_DIR }))
  t.same(second.generated, [])
  t.same(reveal(second), reveal(first))
  t.equal(readFileSync(first.path, 'utf8'), text)
})

t.test('what is configured is neither generated nor kept', async (t) => {
  const DATA_DIR = await scratchFolder('data')
  const loaded = await loadSecrets(readConfig({ DATA_DIR, PROXY_TOKEN: 'configured-token', HA1_TOKEN: 'ha1-token-1' }))
  t.match(reveal(loaded), { proxy: 'configured-token', ha1: 'ha1-token-1' })
  t.same(loaded.kept, ['MASTER_ACCOUNT_SID', 'MASTER_AUTH_TOKEN', 'NONCE_SECRET'])
  t.notMatch(readFileSync(loaded.path, 'utf8'), /PROXY_TOKEN|configured-token/)
  const later = await loadSecrets(readConfig({ DATA_DIR }))
  t.same(
    later.generated.map(({ name }) => name),
    ['PROXY_TOKEN'],
    'what is missing later is added',
  )
  t.equal(later.secrets.masterAccountSid, loaded.secrets.masterAccountSid)
  t.equal(statSync(later.path).mode & 0o777, 0o600)
})

t.test('with every secret configured, nothing is written', async (t) => {
  const folder = await scratchFolder('data')
  const env = {
    DATA_DIR: join(folder, 'none'),
    MASTER_ACCOUNT_SID: `AC${'1'.repeat(32)}`,
    MASTER_AUTH_TOKEN: 'master-token',
    PROXY_TOKEN: 'proxy-token',
    NONCE_SECRET: 'newest-1,older-12',
  }
  const loaded = await loadSecrets(readConfig(env))
  t.match(reveal(loaded), { sid: env.MASTER_ACCOUNT_SID, nonces: ['newest-1', 'older-12'] })
  t.throws(() => statSync(env.DATA_DIR), { code: 'ENOENT' })
})

t.test('two processes that start at once agree on what was generated', async (t) => {
  const DATA_DIR = await scratchFolder('data')
  const many = await Promise.all(Array.from({ length: 8 }, () => loadSecrets(readConfig({ DATA_DIR }))))
  t.equal(new Set(many.map((loaded) => JSON.stringify(reveal(loaded)))).size, 1)
  t.equal(many.filter(({ generated }) => generated.length > 0).length, 1, 'one of them tells it')
})

t.test('a file that holds what cannot be a secret is named, and stays as it is', async (t) => {
  const DATA_DIR = await scratchFolder('data')
  const path = join(DATA_DIR, 'secrets.env')
  writeFileSync(path, "MASTER_ACCOUNT_SID='nonsense'\n")
  await t.rejects(loadSecrets(readConfig({ DATA_DIR })), {
    name: 'ConfigError',
    message: /MASTER_ACCOUNT_SID in .*secrets\.env must be AC/,
  })
  t.match(readFileSync(path, 'utf8'), /MASTER_ACCOUNT_SID='nonsense'/)
})

t.test('values are read as a shell would read them, whatever ends the lines', async (t) => {
  const sid = `AC${'1'.repeat(32)}`
  const lines = [
    '# what the master account is',
    `MASTER_ACCOUNT_SID=${sid}`,
    `export MASTER_AUTH_TOKEN="master-token"  # of the first day`,
    "PROXY_TOKEN='proxy#token'",
    '',
    'NONCE_SECRET=newest-1,older-12',
    'OTHER=$PROXY_TOKEN',
  ]
  for (const text of [lines.join('\n'), lines.join('\r\n'), `\uFEFF${[...lines, ''].join('\r\n')}`]) {
    const DATA_DIR = await scratchFolder('data')
    const path = join(DATA_DIR, 'secrets.env')
    writeFileSync(path, text)
    const loaded = await loadSecrets(readConfig({ DATA_DIR }))
    t.same(loaded.generated, [])
    t.match(reveal(loaded), { sid, token: 'master-token', proxy: 'proxy#token', nonces: ['newest-1', 'older-12'] })
    t.equal(readFileSync(path, 'utf8'), text)
  }
})

t.test(
  "a line that begins with a secret's name and cannot be understood is named, and nothing is written",
  async (t) => {
    for (const line of [
      "MASTER_AUTH_TOKEN='master-token",
      "MASTER_AUTH_TOKEN = 'master-token'",
      'MASTER_AUTH_TOKEN="$OTHER"',
      'MASTER_AUTH_TOKEN=master\\ token',
      "MASTER_AUTH_TOKEN='master'token",
      'MASTER_AUTH_TOKEN: master-token',
    ]) {
      const DATA_DIR = await scratchFolder('data')
      const path = join(DATA_DIR, 'secrets.env')
      const text = `# ours\n${line}\nPROXY_TOKEN\n`
      writeFileSync(path, text)
      const faults = [2, 3].map((number) => `line ${number} of ${path} must be`)
      await t.rejects(loadSecrets(readConfig({ DATA_DIR })), {
        name: 'ConfigError',
        faults: [`${faults[0]} MASTER_AUTH_TOKEN='value'`, `${faults[1]} PROXY_TOKEN='value'`],
      })
      t.equal(readFileSync(path, 'utf8'), text, line)
    }
  },
)

t.test('what is missing is added below, and every other line and comment stays', async (t) => {
  const DATA_DIR = await scratchFolder('data')
  const path = join(DATA_DIR, 'secrets.env')
  const text = "# ours: MASTER_AUTH_TOKEN='in a comment'\r\nOTHER='kept'\r\nPROXY_TOKEN=proxy-token"
  writeFileSync(path, text)
  const loaded = await loadSecrets(readConfig({ DATA_DIR }))
  t.equal(loaded.secrets.proxyToken.reveal(), 'proxy-token')
  const added = loaded.generated.map(({ name, value }) => `${name}='${value}'\n`)
  t.same(added.length, 3)
  t.equal(readFileSync(path, 'utf8'), `${text}\n${added.join('')}`)
  t.same(reveal(await loadSecrets(readConfig({ DATA_DIR }))), reveal(loaded))
})

t.test('a folder where the file should be is an error, not an empty file', async (t) => {
  const DATA_DIR = await scratchFolder('data')
  mkdirSync(join(DATA_DIR, 'secrets.env'))
  await t.rejects(loadSecrets(readConfig({ DATA_DIR })), { code: 'EISDIR' })
})

t.test('a file of nonce secrets holds them by lines or commas, the newest first, and comments', async (t) => {
  const path = join(await scratchFolder('nonces'), 'secrets')
  for (const text of [
    'newest-1\nolder-12\n',
    'newest-1,older-12',
    'newest-1, older-12\r\n',
    '\nnewest-1\n\nolder-12',
    '# since Monday\nnewest-1\n  # before that, and good until Friday\r\nolder-12 \n \n#no-secret',
  ]) {
    writeFileSync(path, text)
    t.same(
      readNonceSecretFile(path).map((secret) => secret.reveal()),
      ['newest-1', 'older-12'],
      JSON.stringify(text),
    )
  }
  const bad = ['', '\n', 'short', 'newest-1\nshort', '# only-a-comment', 'newest-1 # since Monday', 'new\u0007est-1']
  for (const text of bad) {
    writeFileSync(path, text)
    t.throws(() => readNonceSecretFile(path), ConfigError, JSON.stringify(text))
  }
})

t.test('a new master token stands first in the file, the one before second, and all else stays', async (t) => {
  const DATA_DIR = await scratchFolder('data')
  const path = join(DATA_DIR, 'secrets.env')
  const others = ["# the master's", `MASTER_ACCOUNT_SID=AC${'1'.repeat(32)} # ours`, "NONCE_SECRET='nonce-secret'"]
  const file = (line: string) => [...others, line, 'PROXY_TOKEN=proxy-token', ''].join('\r\n')
  writeFileSync(path, file('export MASTER_AUTH_TOKEN="first-token\'s"  # of the first day'), { mode: 0o644 })
  await rotateKeptMasterToken(path, 'second-token', true)
  t.equal(readFileSync(path, 'utf8'), file('export MASTER_AUTH_TOKEN="second-token,first-token\'s"'))
  t.equal(statSync(path).mode & 0o777, 0o600)
  const { secrets } = await loadSecrets(readConfig({ DATA_DIR }))
  t.same(
    secrets.masterAuthTokens.map((token) => token.reveal()),
    ['second-token', "first-token's"],
  )
  await rotateKeptMasterToken(path, 'third-token', true)
  t.equal(readFileSync(path, 'utf8'), file("export MASTER_AUTH_TOKEN='third-token,second-token'"))
  await rotateKeptMasterToken(path, 'fourth-token', false)
  t.equal(readFileSync(path, 'utf8'), file("export MASTER_AUTH_TOKEN='fourth-token'"))
  t.same(readdirSync(DATA_DIR), ['secrets.env'], 'no draft is left')
})
