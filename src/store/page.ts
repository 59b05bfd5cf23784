/** A place in a list that is shown newest first: behind or before a row's sequence number, or a plain offset. */
export type Position =
  | { readonly kind: 'offset'; readonly rows: number }
  | { readonly kind: 'after'; readonly seq: string }
  | { readonly kind: 'before'; readonly seq: string }

/** One page of rows, newest first. */
export type Page<Row> = {
  readonly rows: readonly Row[]
  readonly hasNext: boolean
  readonly hasPrevious: boolean
}

/**
 * The end of a paging query over a column `seq`: continues a `where`, asks for one row more than the page holds.
 * Keyset positions cost the same however deep they lie; `firstParameter` is the number of the first free parameter.
 */
export function pageSql(position: Position, size: number, firstParameter: number): { text: string; values: unknown[] } {
  const [p, q] = [firstParameter, firstParameter + 1]
  if (position.kind === 'offset') {
    return { text: `order by seq desc limit $${p} offset $${q}`, values: [size + 1, position.rows] }
  }
  const [comparison, order] = position.kind === 'after' ? ['<', 'desc'] : ['>', 'asc']
  return { text: `and seq ${comparison} $${p} order by seq ${order} limit $${q}`, values: [position.seq, size + 1] }
}

/** Makes a page of what `pageSql` asked for. */
export function toPage<Row>(rows: readonly Row[], position: Position, size: number): Page<Row> {
  const kept = rows.slice(0, size)
  const more = rows.length > size
  if (position.kind === 'before') return { rows: kept.reverse(), hasNext: true, hasPrevious: more }
  return { rows: kept, hasNext: more, hasPrevious: position.kind === 'after' || position.rows > 0 }
}
