import type { Ha1Field } from '../credential.js'
import { Secret } from '../secret.js'
import { SourceFault, type SourceRow } from './source-row.js'

/** What a column is of. */
type Role = Ha1Field | 'username' | 'realm' | 'password' | 'enabled' | 'description' | 'account' | 'list'

/**
 * Names of columns, in lower case: those of `sipauthd export`, of Kamailio's `subscriber` table (auth_db module), and
 * of OpenSIPS's since 3.2, which writes SHA-512-256 as `sha512t256`. Other columns are passed over.
 */
const ROLES: Readonly<Record<string, Role>> = {
  username: 'username',
  realm: 'realm',
  domain: 'realm',
  password: 'password',
  ha1: 'ha1',
  ha1_sha256: 'ha1_sha256',
  ha1_sha512_256: 'ha1_sha512_256',
  ha1_sha512t256: 'ha1_sha512_256',
  ha1b: 'ha1b',
  ha1b_sha256: 'ha1b_sha256',
  ha1b_sha512_256: 'ha1b_sha512_256',
  enabled: 'enabled',
  description: 'description',
  account: 'account',
  list: 'list',
}

const HA1_ROLES = ['ha1', 'ha1_sha256', 'ha1_sha512_256', 'ha1b', 'ha1b_sha256', 'ha1b_sha512_256'] as const

/** Makes a row of the values of one record. */
export type RowReader = (line: number, values: readonly string[]) => SourceRow

/** Whether a column of that name is read. */
export function isKnownColumn(name: string): boolean {
  return Object.hasOwn(ROLES, name.toLowerCase())
}

/** Reads records with these columns. Throws a `SourceFault` where no user can come of them. */
export function createRowReader(names: readonly string[]): RowReader {
  const places = new Map<Role, number>()
  for (const [place, name] of names.entries()) {
    const role = isKnownColumn(name.trim()) ? ROLES[name.trim().toLowerCase()] : undefined
    if (role === undefined) continue
    if (places.has(role)) throw new SourceFault(`has more than one column for ${role}`)
    places.set(role, place)
  }
  if (!places.has('username')) throw new SourceFault('has no column username')
  if (!places.has('password') && !places.has('ha1')) throw new SourceFault('has neither a column password nor ha1')
  const ha1Roles = HA1_ROLES.filter((role) => places.has(role))
  return (line, values) => {
    const textOf = (role: Role) => values[places.get(role) ?? -1] ?? ''
    const password = textOf('password')
    const ha1s: Partial<Record<Ha1Field, string>> = {}
    for (const role of ha1Roles) {
      const ha1 = textOf(role)
      if (ha1 !== '') ha1s[role] = ha1
    }
    return {
      line,
      username: textOf('username'),
      realm: textOf('realm'),
      password: password === '' ? undefined : new Secret(password),
      ha1s,
      enabled: textOf('enabled'),
      description: places.has('description') ? textOf('description') : undefined,
      account: textOf('account'),
      list: textOf('list'),
    }
  }
}
