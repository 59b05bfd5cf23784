/** The programs that the tests run, their Debian packages, and how the missing ones are installed. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

const BIN = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin']

function isProgram(name) {
  return BIN.concat((process.env.PATH ?? '').split(':')).some((folder) => folder && existsSync(`${folder}/${name}`))
}

function isKamailioModule(name) {
  const libraries = existsSync('/usr/lib') ? readdirSync('/usr/lib') : []
  return libraries.some((library) => existsSync(`/usr/lib/${library}/kamailio/modules/${name}.so`))
}

/** PostgreSQL 13 or later, as Debian lays it out. */
function isPostgres() {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return false
  return readdirSync(root).some((version) => Number(version) >= 13 && existsSync(`${root}/${version}/bin/initdb`))
}

/** Debian package: whether what the tests need of it is there. */
const PACKAGES = {
  postgresql: isPostgres,
  'redis-server': () => isProgram('redis-server') && isProgram('redis-cli'),
  kamailio: () => isProgram('kamailio'),
  'kamailio-utils-modules': () => isKamailioModule('http_client'),
  'kamailio-redis-modules': () => isKamailioModule('ndb_redis'),
  'kamailio-postgres-modules': () => isKamailioModule('db_postgres'),
  // For the schema of its tables; the module itself is not used.
  'kamailio-mysql-modules': () => isKamailioModule('db_mysql'),
  'mariadb-server-core': () => isProgram('mariadbd'),
  'kamailio-json-modules': () => isKamailioModule('json'),
  'sip-tester': () => isProgram('sipp'),
  sipsak: () => isProgram('sipsak'),
  'baresip-core': () => isProgram('baresip'),
  fail2ban: () => isProgram('fail2ban-regex') && isProgram('fail2ban-client'),
  prometheus: () => isProgram('prometheus') && isProgram('promtool'),
}

function missingPackages() {
  return Object.keys(PACKAGES).filter((name) => !PACKAGES[name]())
}

/**
 * Keeps Debian's postgresql package from creating and starting a cluster of its own, through the file that the package
 * reads for that, for as long as `work` runs. Afterwards the file is what it was, or what the package would have made it.
 */
function withoutDefaultCluster(work) {
  const file = '/etc/postgresql-common/createcluster.conf'
  const packaged = '/usr/share/postgresql-common/createcluster.conf'
  const copy = `${file}.ucf-dist` // what the package's configuration tool lays beside a file that was edited
  const hadCopy = existsSync(copy)
  const before = existsSync(file) ? readFileSync(file, 'utf8') : undefined
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${before ?? ''}\ncreate_main_cluster = false\n`)
  try {
    return work()
  } finally {
    const after = before ?? (existsSync(packaged) ? readFileSync(packaged, 'utf8') : undefined)
    if (after === undefined) rmSync(file)
    else writeFileSync(file, after)
    if (!hadCopy) rmSync(copy, { force: true })
  }
}

/**
 * Installs packages without starting a service of theirs. RUNLEVEL=1 (single user) and SYSTEMD_OFFLINE=1 tell
 * invoke-rc.d and systemctl so, for this one run of apt and without a trace on the machine.
 */
function install(packages) {
  const env = {
    ...process.env,
    DEBIAN_FRONTEND: 'noninteractive',
    RUNLEVEL: '1',
    SYSTEMD_OFFLINE: '1',
    UCF_FORCE_CONFFOLD: '1',
  }
  const apt = (...args) =>
    spawnSync('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', ...args], { env, stdio: 'inherit' }).status === 0
  apt('update') // where it fails, an older list may still do
  const run = () => apt('install', '-y', '--no-install-recommends', ...packages)
  return packages.includes('postgresql') ? withoutDefaultCluster(run) : run()
}

/**
 * Makes sure that every program is there; root on Debian installs what is missing.
 * @returns {boolean} false when something is missing still, after saying what
 */
export function ensurePrograms(say) {
  const missing = missingPackages()
  if (missing.length === 0) return true
  const mayInstall = process.getuid?.() === 0 && isProgram('apt-get')
  if (mayInstall) {
    say(`installing ${missing.join(', ')}, without starting their services`)
    install(missing)
  }
  const left = missingPackages()
  if (left.length === 0) return true
  say(`the tests need these Debian packages:\n  apt-get install -y --no-install-recommends ${left.join(' ')}`)
  return false
}
