import { computeHa1s } from '../src/provision/ha1s.js'
import { CHANGED_PASSWORD, type Names, PASSWORD } from './api/every-operation.js'
import { type Answer, answer, REALM } from './auth/phone.js'
import { ask, type HttpAnswer } from './fixtures/http.js'
import { runSipauthd, type Sipauthd } from './fixtures/sipauthd.js'
import { readChallenge } from './lookup/proxy.js'

/** Passwords that are refused, by the policy and by a check; and those of users that are brought over. */
export const [WEAK, WRONG] = ['Weak-horse', 'Wrong-Horse-44']
export const IMPORTED = ['Imported-Horse-45', 'Imported-Horse-46', 'Imported-Horse-47'] as const
/** Every password that a program under witness is ever given. */
export const PASSWORDS = [PASSWORD, CHANGED_PASSWORD, WEAK, WRONG, ...IMPORTED]

/** Everything that came out of a program, by where it came out. */
export type Seen = { readonly where: string; readonly text: string }

/** A program under use, which keeps all that it answers and all that its commands print. */
export class Witness {
  readonly seen: Seen[] = []
  /** Tokens that were shown by right where they were made. */
  readonly tokens = new Set<string>()
  /** HA1s of all users that there were, for every password. */
  readonly ha1s = new Set<string>()
  readonly #server: Sipauthd
  readonly #secrets: Names
  readonly #env: Names

  /** `secrets` are those of its DATA_DIR, `env` the variables that it was started with. */
  constructor(server: Sipauthd, secrets: Names, env: Names) {
    this.#server = server
    this.#secrets = secrets
    this.#env = env
  }

  remember(username: string, realm: string): void {
    for (const password of PASSWORDS) {
      for (const ha1 of Object.values(computeHa1s(username, realm, password))) this.ha1s.add(ha1)
    }
  }

  /** Keeps an answer, without what it says by right. */
  keep(where: string, got: HttpAnswer, byRight = ''): HttpAnswer {
    const text = byRight === '' ? got.text : got.text.replace(byRight, '')
    this.seen.push({ where, text: `${JSON.stringify(got.headers)} ${text}` })
    return got
  }

  /** Twilio's dialect, below the master account. */
  async api(path: string, form?: Names, method?: string, token?: string): Promise<HttpAnswer> {
    const { MASTER_ACCOUNT_SID: sid, MASTER_AUTH_TOKEN } = this.#secrets
    const key = Buffer.from(`${sid}:${token ?? MASTER_AUTH_TOKEN}`).toString('base64')
    const question = { headers: { authorization: `Basic ${key}` }, ...(form && { form }), ...(method && { method }) }
    const url = `${this.#server.api}/2010-04-01/Accounts/${sid}${path}.json`
    return this.keep(`${method ?? (form ? 'POST' : 'GET')} ${path}`, await ask(url, question))
  }

  async verify(form: Names, headers = this.bearer()): Promise<HttpAnswer> {
    const url = `${this.#server.auth}/v1/verify`
    return this.keep('verify', await ask(url, { headers, form: { method: 'REGISTER', realm: REALM, ...form } }))
  }

  async attempt(how: Answer, form: Names = {}): Promise<HttpAnswer> {
    return this.verify({ authorization: answer(readChallenge((await this.verify({})).json), how), ...form })
  }

  async lookup(path: string, headers = this.bearer()): Promise<HttpAnswer> {
    return this.keep(path, await ask(this.#server.auth + path, { headers }))
  }

  /** Runs a command; `byRight` finds what it prints by right. */
  async command(args: readonly string[], byRight?: RegExp) {
    const { code, stdout, stderr } = await runSipauthd(args, this.#env)
    const shown = byRight?.exec(stdout)?.[1] ?? ''
    const where = args.slice(0, 2).join(' ')
    this.seen.push({ where, text: shown === '' ? stdout : stdout.replaceAll(shown, '') }, { where, text: stderr })
    return { code, stdout, stderr, shown }
  }

  bearer() {
    return { authorization: `Bearer ${this.#secrets.PROXY_TOKEN}` }
  }
}

/** Secrets that stand in a text. */
export function found(text: string, secrets: Iterable<string>): readonly string[] {
  const lower = text.toLowerCase()
  return [...secrets].filter((secret) => secret !== '' && lower.includes(secret.toLowerCase()))
}
