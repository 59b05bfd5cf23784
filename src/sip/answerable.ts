import { type Address, collapseBlanks, parseAddress } from './address.js'
import { LIMITS } from './limits.js'
import type { Head } from './scanner.js'
import { parseVias, type Via } from './via.js'

/** What an answer is made from: it repeats these (RFC 3261 section 8.2.6.2). Texts are as received. */
export type Answerable = {
  /** As CSeq names it. */
  readonly method: string
  /** The topmost first. */
  readonly vias: readonly [Via, ...Via[]]
  readonly from: string
  readonly fromTag: string
  readonly to: string
  readonly toTag: string
  readonly callId: string
  readonly cseq: number
}

/** An answerable request with its two addresses taken apart. */
export type Addressed = { readonly answerable: Answerable; readonly from: Address; readonly to: Address }

const CSEQ = /^(\d{1,10}) ([A-Za-z0-9\-.!*_+`'~]{1,32})$/
const VISIBLE = /^[\x21-\x7e]+$/
const TAG = /^[A-Za-z0-9\-.!%*_+`'~]{0,256}$/

/** Reads what any answer needs, faults elsewhere or not. A text says what is missing: then there can be no answer. */
export function readAnswerable({ values }: Head): Addressed | string {
  const vias = parseVias(values.via ?? [])
  if (vias === undefined) return 'no proper Via'
  const [fromText, toText] = [values.from?.[0] ?? '', values.to?.[0] ?? '']
  const [from, to] = [parseAddress(fromText), parseAddress(toText)]
  if (from === undefined || to === undefined) return 'no proper From or To'
  const [fromTag, toTag] = [from.parameters.get('tag') ?? '', to.parameters.get('tag') ?? '']
  if (!TAG.test(fromTag) || !TAG.test(toTag)) return 'no proper tag'
  const callId = values['call-id']?.[0] ?? ''
  if (callId.length > LIMITS.callId || !VISIBLE.test(callId)) return 'no proper Call-ID'
  const [, number, method] = CSEQ.exec(collapseBlanks(values.cseq?.[0] ?? '')) ?? []
  if (number === undefined || method === undefined) return 'no proper CSeq'
  const cseq = Number(number)
  return { answerable: { method, vias, from: fromText, fromTag, to: toText, toTag, callId, cseq }, from, to }
}
