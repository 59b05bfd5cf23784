import { createCipheriv, createDecipheriv, createHash, hkdfSync } from 'node:crypto'
import type { Position } from '../store/page.js'

/** A place in a list that a page begins behind, or ends before. */
export type Cursor = Exclude<Position, { kind: 'offset' }>

/** Cursors as text, each good for the list at its path alone. */
export type PageTokens = {
  format(path: string, cursor: Cursor): string
  /** Undefined for what `format` did not make for this path. */
  parse(path: string, text: string): Cursor | undefined
}

const KINDS = ['after', 'before'] as const
/** The highest bit of the number tells the kind: a sequence of PostgreSQL ends below it. */
const KIND_SHIFT = 63n
const SUM_BYTES = 8

/**
 * Tokens under a key of this secret, the same on all nodes that have the same secret. A row's number counts the rows of
 * all accounts, so it is for nobody to read. A token is one block of AES-128, the whole of it changed by each bit of
 * what it holds, so it needs no other mode:
 *
 *     kind (1 bit), number of the row (63 bits), first 8 bytes of the SHA-256 of the list's path
 */
export function createPageTokens(secret: string): PageTokens {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'sipauthd page tokens', 16))

  return {
    format(path, { kind, seq }) {
      const block = Buffer.alloc(16)
      block.writeBigUInt64BE((BigInt(KINDS.indexOf(kind)) << KIND_SHIFT) | BigInt(seq))
      sum(path).copy(block, 8)
      const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false)
      return `PA${Buffer.concat([cipher.update(block), cipher.final()]).toString('hex')}`
    },

    parse(path, text) {
      const [, hex] = /^PA([0-9a-f]{32})$/.exec(text) ?? []
      if (hex === undefined) return undefined
      const decipher = createDecipheriv('aes-128-ecb', key, null).setAutoPadding(false)
      const block = Buffer.concat([decipher.update(hex, 'hex'), decipher.final()])
      if (!block.subarray(8).equals(sum(path))) return undefined
      const number = block.readBigUInt64BE()
      const kind = number >> KIND_SHIFT === 0n ? 'after' : 'before'
      return { kind, seq: BigInt.asUintN(Number(KIND_SHIFT), number).toString() }
    },
  }
}

function sum(path: string): Buffer {
  return createHash('sha256').update(path).digest().subarray(0, SUM_BYTES)
}
