/** A moment by which a connection must have done something, or it ends. */
export type Deadline = {
  /** Sets it anew, so many milliseconds from now. */
  set(milliseconds: number): void
  clear(): void
}

export function createDeadline(end: () => void): Deadline {
  let timer: NodeJS.Timeout | undefined
  return {
    set(milliseconds) {
      clearTimeout(timer)
      timer = setTimeout(end, milliseconds)
    },
    clear: () => clearTimeout(timer),
  }
}
