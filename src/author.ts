/** Ways in which a change can be asked for. */
export type AuthorDoor = 'twilio' | 'vobiz' | 'cli'

/** Who asks for a change, for the audit trail. */
export type Author = {
  /** SID of the account whose token was used; undefined for the command line. */
  readonly actorSid: string | undefined
  readonly door: AuthorDoor
  /** The request's id, which its log lines have too. */
  readonly requestId: string | undefined
}

/** Whoever has the command line, or the program itself. */
export const COMMAND_LINE: Author = { actorSid: undefined, door: 'cli', requestId: undefined }
