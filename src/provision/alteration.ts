/** The old and the new value of each field that a change altered. */
export type Alteration = Readonly<Record<string, { readonly from: unknown; readonly to: unknown }>>

/**
 * What differs between two states of one thing, for the audit trail. Both have the same fields, and
 * whatever is secret has no place among them.
 */
export function describeAlteration<Fields extends object>(before: Fields, after: Fields): Alteration {
  const old = new Map<string, unknown>(Object.entries(before))
  const altered = Object.entries(after).filter(([field, value]) => !isSame(old.get(field), value))
  return Object.fromEntries(altered.map(([field, to]) => [field, { from: old.get(field), to }]))
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
