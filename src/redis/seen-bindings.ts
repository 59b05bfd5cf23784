import { LRUCache } from 'lru-cache'
import type { Binding } from '../sip/bindings.js'

/** What this process last saw of addresses of record, by their keys. */
export type SeenBindings = {
  /** As text, which is what Redis compares, and read. */
  get(key: string): { readonly text: string; readonly bindings: readonly Binding[] } | undefined
  /** The text of bindings as this process stores them. */
  write(key: string, bindings: readonly Binding[]): string
  set(key: string, text: string, bindings: readonly Binding[]): void
  delete(key: string): void
}

/** Characters of what was seen, keys included, that are kept in mind: some 100,000 phones. */
const SEEN_CHARACTERS_MAX = 24 * 1024 * 1024

/** A single binding, all of whose text but its end stays as it is when its phone registers again. */
type Single = { readonly start: string; readonly binding: { -readonly [Field in keyof Binding]: Binding[Field] } }

/**
 * Keeps texts, and of phones with one contact, which are most, what changes from one REGISTER to the next as numbers: a
 * text that is kept from each to the next outlives V8's young generation, and costs more to keep than to write anew.
 * Nothing that is kept holds on to a request. `read` reads what is stored.
 */
export function createSeenBindings(read: (text: string) => readonly Binding[]): SeenBindings {
  const seen = new LRUCache<string, string | Single>({
    maxSize: SEEN_CHARACTERS_MAX,
    // A single one's strings lie in its start and, read, once more.
    sizeCalculation: (kept, key) => key.length + (typeof kept === 'string' ? kept.length : 2 * kept.start.length),
  })

  /** What is kept where the bindings are that single one, registered again. */
  const sameSingle = (key: string, bindings: readonly Binding[]): Single | undefined => {
    const kept = seen.get(key)
    const [binding] = bindings
    if (bindings.length !== 1 || binding === undefined || typeof kept !== 'object') return undefined
    const { uri, key: comparable, q, callId } = kept.binding
    const same = uri === binding.uri && comparable === binding.key && q === binding.q && callId === binding.callId
    return same ? kept : undefined
  }

  return {
    get(key) {
      const kept = seen.get(key)
      if (kept === undefined) return undefined
      if (typeof kept === 'string') return { text: kept, bindings: read(kept) }
      const { uri, key: comparable, q, callId, cseq, expiresAt } = kept.binding
      return { text: endText(kept, kept.binding), bindings: [{ uri, key: comparable, q, callId, cseq, expiresAt }] }
    },
    write(key, bindings) {
      const kept = sameSingle(key, bindings)
      const [binding] = bindings
      return kept && binding ? endText(kept, binding) : JSON.stringify(bindings)
    },
    set(key, text, bindings) {
      const kept = sameSingle(key, bindings)
      const [binding] = bindings
      if (binding === undefined) seen.delete(key)
      else if (kept && endText(kept, binding) === text) {
        kept.binding.cseq = binding.cseq
        kept.binding.expiresAt = binding.expiresAt
      } else seen.set(key, readSingle(text, read) ?? text)
    },
    delete: (key) => void seen.delete(key),
  }
}

function endText({ start }: Single, { cseq, expiresAt }: Pick<Binding, 'cseq' | 'expiresAt'>): string {
  return `${start}"cseq":${cseq},"expiresAt":${expiresAt}}]`
}

/** Undefined where the text is not of a single binding, or not as this process writes it: a script writes otherwise. */
function readSingle(text: string, read: (text: string) => readonly Binding[]): Single | undefined {
  const [binding, ...others] = read(text)
  if (binding === undefined || others.length > 0) return undefined
  const single = { start: text.slice(0, text.lastIndexOf('"cseq":')), binding: { ...binding } }
  return endText(single, binding) === text ? single : undefined
}
