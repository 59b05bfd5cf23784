import { type TString, Type } from 'typebox'
import { type SidKind, sidPattern } from '../../sid.js'

/** Schema of a SID of that kind. */
export function sidSchema(kind: SidKind): TString {
  return Type.String({ pattern: sidPattern(kind) })
}
