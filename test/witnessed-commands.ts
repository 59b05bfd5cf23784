import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { computeHa1 } from '../src/digest/ha1.js'
import { REALM } from './auth/phone.js'
import { found, IMPORTED, PASSWORDS, type Witness, WRONG } from './witness.js'

/** Runs the commands that are told a secret, or could tell one, beside a server that uses the same stores. */
export async function runCommands(t: Test, witness: Witness, folder: string): Promise<void> {
  const sid = await makeAccount(t, witness)
  await bringOver(t, witness, folder)
  const output = join(folder, 'export.csv')
  const runs = [
    ['export', '--output', output],
    ['account', 'list'],
    ['audit', '--limit', '0'],
    ['account', 'suspend', sid],
  ]
  for (const { code, stderr } of await Promise.all(runs.map((args) => witness.command(args)))) t.equal(code, 0, stderr)
  // By itself: it takes no change that is under way for a second for one that is missing, and no longer.
  const check = await witness.command(['mirror', 'check'])
  t.equal(check.code, 0, check.stdout)
  const exported = readFileSync(output, 'utf8')
  t.ok(exported.includes(computeHa1('MD5', 'hashed', REALM, IMPORTED[0])), 'an export holds HA1s')
  t.same(found(exported, [...PASSWORDS, ...witness.tokens]), [], 'and neither passwords nor tokens')
}

/** Creates an account, gives it another token, and answers its SID. */
async function makeAccount(t: Test, witness: Witness): Promise<string> {
  const token = /"auth_token":"([0-9a-f]{32})"/
  const created = await witness.command(['account', 'create', 'on the command line'], token)
  const sid = /"sid":"(AC[0-9a-f]{32})"/.exec(created.stdout)?.[1] ?? ''
  const rotated = await witness.command(['account', 'rotate-token', sid], token)
  t.ok(created.shown && rotated.shown && created.shown !== rotated.shown, 'both show a token, once')
  witness.tokens.add(created.shown).add(rotated.shown)
  return sid
}

/** Imports users with passwords, with HA1s and with faults. */
async function bringOver(t: Test, witness: Witness, folder: string): Promise<void> {
  const [source, report] = [join(folder, 'users.csv'), join(folder, 'report')]
  const [hashed, right, other, refused] = [computeHa1('MD5', 'hashed', REALM, IMPORTED[0]), ...IMPORTED]
  const rows = [`imported,${REALM},${right},`, `b b,${REALM},${other},`, `imported,${REALM},${refused},`]
  rows.push(`hashed,${REALM},,${hashed}`, `torn,${REALM},,${hashed.slice(1)}`, `short,${refused}`)
  writeFileSync(source, ['username,domain,password,ha1', ...rows, ''].join('\n'))
  for (const username of ['imported', 'hashed']) witness.remember(username, REALM)
  t.match(await witness.command(['import', source, '--dry-run']), { code: 1, stdout: /4 refused/ })
  t.match(await witness.command(['import', source, '--report', report]), { code: 1, stdout: /2 created.* 4 refused/ })
  witness.seen.push({ where: 'the report of an import', text: readFileSync(report, 'utf8') })
  t.match(await witness.command(['import', `mysql://root:${WRONG}@127.0.0.1:9/users`]), { code: 1 })
}
