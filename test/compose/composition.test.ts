import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readConfig, VARIABLE_NAMES } from '../../src/config.js'
import { projectPath } from '../fixtures/project.js'
import { interpolate, readComposition, readText, readYaml, references } from './composition.js'

const composition = readComposition()
const { services, service } = composition
const sipauthd = service('sipauthd')

/** What a newcomer sets in .env, and no more. */
const SECRETS = { POSTGRES_PASSWORD: 'p0stgres', PROXY_TOKEN: 'pr0xy-token', GRAFANA_PASSWORD: 'gr4fana' }

/** Environment of a service, with the variables replaced. */
function environment(name: string): Record<string, string> {
  const entries = Object.entries(service(name).environment ?? {})
  return Object.fromEntries(entries.map(([key, value]) => [key, interpolate(String(value), SECRETS)]))
}

/** Published ports as `address:host:container/protocol`, taken apart. */
function published(name: string) {
  return (service(name).ports ?? []).map((port) => {
    const [, address = '', host = '', container = '', protocol = 'tcp'] =
      /^(?:([\d.]+):)?(\d+):(\d+)(?:\/(udp|tcp))?$/.exec(port) ?? []
    return { address, host, container, protocol }
  })
}

t.test('it holds the stores, sipauthd, a proxy and what watches them', async (t) => {
  t.strictSame(Object.keys(services), ['postgres', 'redis', 'sipauthd', 'kamailio', 'prometheus', 'grafana'])
})

t.test('every variable that it sets for sipauthd is one that sipauthd reads', async (t) => {
  for (const name of Object.keys(sipauthd.environment ?? {})) t.ok(VARIABLE_NAMES.includes(name), name)
})

t.test('sipauthd accepts its environment, with nothing but the secrets in .env', async (t) => {
  const { DATABASE_URL, REDIS_URL, QOP, PROXY_TOKEN } = readConfig(environment('sipauthd'))
  t.equal(DATABASE_URL, 'postgres://sipauthd:p0stgres@postgres:5432/sipauthd')
  t.equal(REDIS_URL, 'redis://redis:6379')
  t.equal(PROXY_TOKEN?.reveal(), SECRETS.PROXY_TOKEN)
  t.strictSame(QOP, ['auth'], 'an empty variable has its default')
})

t.test('it does not start without a secret, and says which', async (t) => {
  const text = readText('docker-compose.yml')
  const required = references(text).filter((reference) => reference.required)
  t.strictSame([...new Set(required.map(({ name }) => name))].sort(), Object.keys(SECRETS).sort())
  t.throws(() => interpolate(text, {}), { message: /^POSTGRES_PASSWORD: set it in \.env/ })
})

t.test('every variable that can be set in .env is in .env.example', async (t) => {
  const named = new Set(
    readText('.env.example')
      .match(/^#?\w+(?==)/gm)
      ?.map((name) => name.replace('#', '')),
  )
  for (const { name } of references(readText('docker-compose.yml'))) t.ok(named.has(name), name)
})

t.test('PostgreSQL creates the database and the user that sipauthd connects as', async (t) => {
  const { POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB } = environment('postgres')
  const { username, password, pathname, hostname } = new URL(environment('sipauthd').DATABASE_URL ?? '')
  t.strictSame([username, password, pathname], [POSTGRES_USER, POSTGRES_PASSWORD, `/${POSTGRES_DB}`])
  t.equal(hostname, 'postgres')
})

t.test('Redis refuses to evict a credential', async (t) => {
  t.match(service('redis').command?.join(' '), '--maxmemory-policy noeviction')
})

t.test('every port that sipauthd listens on is published under its own number', async (t) => {
  const { API_PORT, AUTH_PORT, SIP_PORT } = environment('sipauthd')
  const ports = published('sipauthd').map(({ host, container, protocol }) => `${host}:${container}/${protocol}`)
  const expected = [`${API_PORT}/tcp`, `${AUTH_PORT}/tcp`, `${SIP_PORT}/udp`, `${SIP_PORT}/tcp`]
  t.strictSame(
    ports,
    expected.map((port) => `${port.split('/')[0]}:${port}`),
  )
})

t.test('only SIP is open to other machines, and no port is taken twice', async (t) => {
  const all = Object.keys(services).flatMap(published)
  t.equal(new Set(all.map(({ host, protocol }) => `${host}/${protocol}`)).size, all.length)
  const open = all.filter(({ address }) => address !== '127.0.0.1').map(({ host }) => host)
  t.strictSame([...new Set(open)].sort(), ['5060', '5070'])
})

t.test('Kamailio and Prometheus find the lookup API', async (t) => {
  const address = `sipauthd:${environment('sipauthd').AUTH_PORT}`
  const { SIPAUTHD_ADDRESS, SIPAUTHD_TOKEN } = environment('kamailio')
  t.strictSame([SIPAUTHD_ADDRESS, SIPAUTHD_TOKEN], [address, environment('sipauthd').PROXY_TOKEN])
  const prometheus = readYaml('prometheus/prometheus.yml') as {
    scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[]
  }
  t.match(prometheus.scrape_configs, [{ job_name: 'sipauthd', static_configs: [{ targets: [address] }] }])
})

t.test('Grafana finds Prometheus and the dashboard', async (t) => {
  const [[data], [boards]] = [
    (readYaml('grafana/provisioning/datasources/prometheus.yml') as { datasources: { url: string }[] }).datasources,
    (readYaml('grafana/provisioning/dashboards/sipauthd.yml') as { providers: { options: { path: string } }[] })
      .providers,
  ]
  t.match(new URL(data?.url ?? ''), { hostname: 'prometheus', port: published('prometheus')[0]?.container })
  const mounted = service('grafana').volumes?.map((volume) => volume.split(':')[1])
  t.ok(mounted?.includes(join(boards?.options.path ?? '', 'sipauthd.json')))
  t.ok(mounted?.includes('/etc/grafana/provisioning'))
})

t.test('every file that it mounts or builds from exists, and every volume is declared', async (t) => {
  for (const [name, { volumes = [], build }] of Object.entries(services)) {
    if (build) t.ok(existsSync(projectPath(join(build, 'Dockerfile'))), `${name} is built`)
    for (const volume of volumes) {
      const [source = ''] = volume.split(':')
      const isFile = source.startsWith('./')
      t.ok(isFile ? existsSync(projectPath(source)) : source in composition.volumes, volume)
    }
  }
})

t.test('who waits for another shares a network with it, and the other can say that it is well', async (t) => {
  for (const [name, { depends_on = {}, networks }] of Object.entries(services)) {
    for (const network of networks) t.ok(network in composition.networks, `${name}: ${network}`)
    for (const other of Object.keys(depends_on)) {
      const { build, healthcheck, networks: others } = service(other)
      t.ok(
        networks.some((network) => others.includes(network)),
        `${name} reaches ${other}`,
      )
      const isChecked = healthcheck ?? (build && readText(join(build, 'Dockerfile')).includes('\nHEALTHCHECK'))
      t.ok(isChecked, `${other} has a health check`)
    }
  }
})

t.test('the stores are out of reach for all but sipauthd', async (t) => {
  const inside = Object.entries(services).filter(([, { networks }]) => networks.includes('stores'))
  t.strictSame(
    inside.map(([name]) => name),
    ['postgres', 'redis', 'sipauthd'],
  )
  t.match(composition.networks.stores, { internal: true })
})
