import { BINDINGS_MAX, type Binding, type BindingsChange, type BindingsOutcome } from './bindings.js'

/** The change applied to what is bound now, RFC 3261 section 10.3 steps 6 and 7. `time` is in milliseconds. */
export function applyChange(current: readonly Binding[], change: BindingsChange, time: number): BindingsOutcome {
  const { callId, cseq, contacts } = change
  const outOfOrder = (binding: Binding | undefined): boolean => binding?.callId === callId && cseq <= binding.cseq
  if (contacts === '*') {
    return current.some(outOfOrder) ? { outcome: 'out_of_order' } : { outcome: 'done', bindings: [] }
  }
  const before = new Map(current.map((binding) => [binding.key, binding]))
  const after = new Map(before)
  for (const { uri, key, q, expiresSeconds } of contacts) {
    if (outOfOrder(before.get(key))) return { outcome: 'out_of_order' }
    if (expiresSeconds === 0) after.delete(key)
    else after.set(key, { uri, key, q, callId, cseq, expiresAt: time + expiresSeconds * 1000 })
  }
  return after.size > BINDINGS_MAX ? { outcome: 'too_many' } : { outcome: 'done', bindings: [...after.values()] }
}
