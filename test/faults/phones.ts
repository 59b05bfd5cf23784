import { setTimeout as sleep } from 'node:timers/promises'
import type { Site } from './site.js'

const PAUSE_MS = 15

/** Phones that log in on both nodes, again and again. */
export type Phones = {
  /** Ends them; answers every reason that right passwords, wrong ones and unknown users were given. */
  stop(): Promise<{ readonly [Kind in keyof typeof KINDS]: readonly string[] }>
}

/** Who logs in. Alice's password never changes. */
const KINDS = {
  right: { username: 'alice', password: 'Correct-Horse-7' },
  wrong: { username: 'alice', password: 'Wrong-Horse-77' },
  unknown: { username: 'nobody', password: 'Correct-Horse-7' },
} as const

export function startPhones({ nodes, realm }: Pick<Site, 'nodes' | 'realm'>): Phones {
  const reasons = { right: new Set<string>(), wrong: new Set<string>(), unknown: new Set<string>() }
  let stopping = false

  async function call(node: Site['nodes'][number], kind: keyof typeof KINDS): Promise<void> {
    const { username, password } = KINDS[kind]
    while (!stopping) {
      const nonce = await node.nonce(realm).catch(() => undefined)
      // No challenge: no store could be asked, which is no answer to a password.
      if (nonce === undefined) reasons[kind].add('unavailable')
      // Nor is the end of a connection to a node that dies.
      else reasons[kind].add(await node.present({ realm, username, password }, nonce).catch(() => 'unavailable'))
      await sleep(PAUSE_MS)
    }
  }

  const kinds = Object.keys(KINDS) as (keyof typeof KINDS)[]
  const calls = nodes.flatMap((node) => kinds.map((kind) => call(node, kind)))
  return {
    async stop() {
      stopping = true
      await Promise.all(calls)
      return { right: [...reasons.right], wrong: [...reasons.wrong], unknown: [...reasons.unknown] }
    },
  }
}
