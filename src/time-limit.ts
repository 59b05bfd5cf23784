/** Work did not end in time. */
export class TooLate extends Error {
  override readonly name = 'TooLate'
}

/**
 * Settles as `work` does, or rejects with `TooLate` once `limitMs` are over; the work itself goes on, and its end is
 * nobody's.
 */
export async function withinTime<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TooLate(`no answer within ${limitMs} ms`)), limitMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
