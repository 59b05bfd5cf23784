/** Asks one thing; all that are asked in one turn of the event loop are asked together. */
export type Batched<Item, Answer> = (item: Item) => Promise<Answer>

type Waiting<Item, Answer> = {
  readonly item: Item
  resolve(answer: Answer): void
  reject(error: unknown): void
}

/**
 * Collects what is asked in one turn of the event loop, and asks it at the end of the turn, or as soon as there are
 * `most` items, which is what one call of `ask` takes. `ask` answers in the order of its items, with an Error for those
 * that failed alone; where it rejects, or answers less than it was asked, all items of that call reject. Nobody waits for
 * more to come: what is asked alone goes alone.
 */
export function createBatch<Item, Answer>(deps: {
  ask(items: readonly Item[]): Promise<readonly (Answer | Error)[]>
  /** Most items of one call. */
  readonly most: number
}): Batched<Item, Answer> {
  const { ask, most } = deps
  let waiting: Waiting<Item, Answer>[] = []

  function send(): void {
    const all = waiting
    waiting = []
    for (let from = 0; from < all.length; from += most) {
      const some = all.length <= most ? all : all.slice(from, from + most)
      answerAll(some)
    }
  }

  async function answerAll(waiting: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await ask(waiting.map(({ item }) => item))
      if (answers.length !== waiting.length) throw new Error(`${waiting.length} were asked, ${answers.length} answered`)
      for (const [index, answer] of answers.entries()) {
        if (answer instanceof Error) waiting[index]?.reject(answer)
        else waiting[index]?.resolve(answer)
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      const count = waiting.push({ item, resolve, reject })
      if (count === most) send()
      // After the poll phase: every socket that had something to say in this turn has been heard by then.
      else if (count === 1) setImmediate(send)
    })
}
