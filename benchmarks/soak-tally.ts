import { DISTURBANCE_MS, type SoakFault } from './soak-faults.js'
import type { SoakNode } from './soak-site.js'
import type { Kind } from './soak-users.js'

/** What logins came to, and which of it must never be. */
export type Tally = {
  /** Verdicts by what was presented; `no answer` is a connection that broke. */
  readonly verdicts: Readonly<Record<Kind, Map<string, number>>>
  readonly attempts: number
  readonly wrong: { rightRefused: number; wrongAccepted: number }
  /** Examples of wrong answers, to look into. */
  readonly examples: string[]
  /** 503 and broken connections where a fault explains them. */
  readonly disturbed: number
  note(kind: Kind, reason: string, node: SoakNode, startedMs: number): void
  begin(fault: SoakFault, node: SoakNode): void
  end(): void
}

/** Reasons that are no answer to the password. */
const SILENT: ReadonlySet<string> = new Set(['unavailable', 'no answer'])
const EXAMPLES_MAX = 20

export function createTally(): Tally {
  const verdicts = { right: new Map(), wrong: new Map(), old: new Map(), unknown: new Map() } as Tally['verdicts']
  const wrong = { rightRefused: 0, wrongAccepted: 0 }
  const examples: string[] = []
  let [attempts, disturbed] = [0, 0]
  let current: { fault: SoakFault; node: SoakNode } | undefined
  /** When the last fault began or ended. */
  let lastChangeMs = 0

  function isExplained(node: SoakNode, startedMs: number): boolean {
    if (current?.fault.silences === 'all') return true
    if (current?.fault.silences === 'one' && current.node === node) return true
    return startedMs - lastChangeMs < DISTURBANCE_MS
  }

  function blame(kind: 'rightRefused' | 'wrongAccepted', text: string): void {
    wrong[kind]++
    if (examples.length < EXAMPLES_MAX)
      examples.push(`${new Date().toISOString()} ${text}, ${current?.fault.what ?? 'no fault'}`)
  }

  return {
    ...{ verdicts, wrong, examples },
    get attempts() {
      return attempts
    },
    get disturbed() {
      return disturbed
    },
    note(kind, reason, node, startedMs) {
      attempts++
      verdicts[kind].set(reason, (verdicts[kind].get(reason) ?? 0) + 1)
      const text = `${kind} on ${node.name} was ${reason}`
      if (kind !== 'right' && reason === 'ok') return blame('wrongAccepted', text)
      if (SILENT.has(reason)) {
        if (isExplained(node, startedMs)) disturbed++
        else blame('rightRefused', text)
      } else if (kind === 'right' && reason !== 'ok') blame('rightRefused', text)
    },
    begin(fault, node) {
      current = { fault, node }
      lastChangeMs = Date.now()
    },
    end() {
      current = undefined
      lastChangeMs = Date.now()
    },
  }
}
