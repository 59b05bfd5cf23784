/**
 * A SIP domain as the mirror holds it and the hot path reads it: which realm its users are of, and who may do what in
 * it. What is mapped for calls counts for every method but REGISTER.
 */
export type SipDomain = {
  /** Host name in lower case. */
  readonly name: string
  readonly sid: string
  readonly accountSid: string
  /** The realm that requests for this domain are challenged with, in lower case. */
  readonly realm: string
  /** Grows with each change; drawn from one sequence in PostgreSQL. Decimal digits: it outgrows a double. */
  readonly version: string
  /** False where its account is suspended or closed: nobody is let in. */
  readonly active: boolean
  /** SIDs of the credential lists that may call. */
  readonly calls: readonly string[]
  /** SIDs of the credential lists that may register. */
  readonly registrations: readonly string[]
  /**
   * CIDR blocks, IPv4 and IPv6, of the IP access control lists mapped to calls; undefined where no such list is
   * mapped, empty where those that are hold no address: then no source is let in.
   */
  readonly ipRanges: readonly string[] | undefined
}
