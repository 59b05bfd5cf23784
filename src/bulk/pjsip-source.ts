import { HA1_FIELDS, type Ha1Field } from '../credential.js'
import { parseAlgorithm } from '../digest/algorithm.js'
import { Secret } from '../secret.js'
import { lastValue, readAsteriskConfig, type Section } from './asterisk-config.js'
import { SourceFault, type SourceItem } from './source-row.js'

/** Longest file, in MiB: templates and additions refer back, so it is read as a whole, as Asterisk does. */
const SIZE_MAX_MIB = 16

/** The users of a `pjsip.conf`, from its chunks. Throws a `SourceFault` where it is too long or no such file. */
export async function* readPjsipFile(file: AsyncIterable<Buffer>): AsyncGenerator<SourceItem> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of file) {
    size += chunk.length
    if (size > SIZE_MAX_MIB * 1024 * 1024) {
      throw new SourceFault(`exceeds ${SIZE_MAX_MIB} MiB, the most of a pjsip.conf: import it in parts, or as CSV`)
    }
    chunks.push(chunk)
  }
  yield* readPjsip(Buffer.concat(chunks).toString('utf8'))
}

/**
 * The users of an Asterisk `pjsip.conf`: its sections of `type=auth` (docs.asterisk.org, res_pjsip). `auth_type` may
 * be `userpass` with a password, `md5` with `md5_cred`, or `digest` with lines of `password_digest`. A section without
 * a realm has the global `default_realm`, if that is set. What only goes out (`outbound_auth`) is nobody who logs in
 * here.
 */
export function* readPjsip(text: string): Generator<SourceItem> {
  const { sections, faults } = readAsteriskConfig(text)
  for (const { line, fault } of faults) yield { line, username: '', fault }
  const live = sections.filter(({ isTemplate }) => !isTemplate)
  const ofType = (type: string) => live.filter((section) => lastValue(section, 'type')?.toLowerCase() === type)
  const defaultRealm = ofType('global').map((section) => lastValue(section, 'default_realm'))[0] ?? ''
  const inbound = namesIn(live, 'auth')
  const outbound = namesIn(live, 'outbound_auth')
  for (const section of ofType('auth')) {
    const isOutbound = outbound.has(section.name) && !inbound.has(section.name)
    yield isOutbound ? refuse(section, 'is for outgoing requests only (outbound_auth)') : toItem(section, defaultRealm)
  }
}

/** Names that options of that name hold, which are separated by commas. */
function namesIn(sections: readonly Section[], key: string): ReadonlySet<string> {
  const values = sections.flatMap(({ settings }) => settings.filter((setting) => setting.key === key))
  return new Set(values.flatMap(({ value }) => value.split(',').map((name) => name.trim())))
}

function refuse(section: Section, fault: string): SourceItem {
  return { line: section.line, username: lastValue(section, 'username') ?? '', fault }
}

function toItem(section: Section, defaultRealm: string): SourceItem {
  const type = (lastValue(section, 'auth_type') ?? 'userpass').toLowerCase()
  const secrets = Object.hasOwn(AUTH_TYPES, type) ? AUTH_TYPES[type]?.(section) : undefined
  if (secrets === undefined) return refuse(section, 'has an auth_type that is none of userpass, md5, digest')
  if (typeof secrets === 'string') return refuse(section, secrets)
  return {
    line: section.line,
    username: lastValue(section, 'username') ?? '',
    realm: lastValue(section, 'realm') || defaultRealm,
    ...{ enabled: '', description: undefined, account: '', list: '' },
    ...secrets,
  }
}

type Secrets = { password: Secret | undefined; ha1s: Partial<Record<Ha1Field, string>> }

/** What each way of keeping the password gives; a text says why it gives nothing. */
const AUTH_TYPES: Readonly<Record<string, (section: Section) => Secrets | string>> = {
  userpass: (section) => {
    const password = lastValue(section, 'password') ?? ''
    return { password: password === '' ? undefined : new Secret(password), ha1s: {} }
  },
  md5: (section) => {
    const ha1 = lastValue(section, 'md5_cred') ?? ''
    return { password: undefined, ha1s: ha1 === '' ? {} : { ha1 } }
  },
  digest: readDigests,
}

/** `password_digest = SHA-256:…`, once for each algorithm; beside them there may be an `md5_cred`. */
function readDigests(section: Section): Secrets | string {
  const md5 = lastValue(section, 'md5_cred') ?? ''
  const ha1s: Partial<Record<Ha1Field, string>> = md5 === '' ? {} : { ha1: md5 }
  for (const { key, value } of section.settings) {
    if (key !== 'password_digest') continue
    const [name = '', hash = ''] = value.split(':').map((part) => part.trim())
    const parsed = parseAlgorithm(name)
    if (!parsed || parsed.session) return 'has a password_digest of an unknown algorithm'
    ha1s[HA1_FIELDS[parsed.algorithm][0]] = hash
  }
  return { password: undefined, ha1s }
}
