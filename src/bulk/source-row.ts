import type { Ha1Field } from '../credential.js'
import type { Secret } from '../secret.js'

/** One user as a source has it; nothing of it is checked yet. Texts that the source does not give are ''. */
export type SourceRow = {
  /** Line of the file where the row or section begins, counted from 1; of a table, the row's number in its order. */
  readonly line: number
  readonly username: string
  /** The realm as the source spells it: the HA1s were made with that spelling. */
  readonly realm: string
  readonly password: Secret | undefined
  /** HA1s as the source spells them; one that is not given has no field. */
  readonly ha1s: Readonly<Partial<Record<Ha1Field, string>>>
  readonly enabled: string
  readonly description: string | undefined
  /** SID of the account and name of the list that it lay in, where the source tells. */
  readonly account: string
  readonly list: string
}

/** What a source gives: a row, or what it could not make a row of, and why. */
export type SourceItem = SourceRow | { readonly line: number; readonly username: string; readonly fault: string }

/** A source that cannot be read any further: the whole of it, not a row, is wrong. Its message holds nothing secret. */
export class SourceFault extends Error {
  override readonly name = 'SourceFault'
}
