import type { Codes } from './codes.js'

/** Texts that come again and again. */
export type Words = {
  /** The word that stands at a place of a text, as that text's codes tell: the very string of last time, or undefined. */
  find(codes: Codes, start: number): string | undefined
  /** Is told what stood there, and may find it next time; it must be all ASCII. */
  keep(word: string, codes: Codes, start: number): void
}

type Slot = { word: string; isOwn: boolean }

const SLOTS = 256
const LENGTH_MAX = 64
const NONE = { word: '', isOwn: true }

/**
 * Keeps 256 words of at most 64 characters: what is kept last in a slot, which a few of the first characters tell. V8
 * makes what is cut out of a text a view of that text, and compares it and looks it up many times more slowly than a text
 * of its own, the second time as well.
 */
export function createWords(): Words {
  const slots: Slot[] = Array.from({ length: SLOTS }, () => NONE)
  const kept = new Uint8Array(SLOTS * LENGTH_MAX)

  function slotOf(codes: Codes, start: number): number {
    return ((codes[start + 2] ?? 0) ^ ((codes[start + 4] ?? 0) << 1) ^ ((codes[start + 6] ?? 0) << 3)) & (SLOTS - 1)
  }

  return {
    find(codes, start) {
      const at = slotOf(codes, start)
      const slot = slots[at] ?? NONE
      const { length } = slot.word
      if (length === 0) return undefined
      const base = at * LENGTH_MAX - start
      for (let index = start; index < start + length; index++) if (kept[base + index] !== codes[index]) return undefined
      // A text of its own is made when it comes for the second time: many never do.
      if (!slot.isOwn) {
        slot.word = Buffer.from(slot.word, 'latin1').toString('latin1')
        slot.isOwn = true
      }
      return slot.word
    },

    keep(word, codes, start) {
      if (word.length > LENGTH_MAX) return
      const at = slotOf(codes, start)
      for (let index = 0; index < word.length; index++) kept[at * LENGTH_MAX + index] = codes[start + index] ?? 0
      slots[at] = { word, isOwn: false }
    },
  }
}
