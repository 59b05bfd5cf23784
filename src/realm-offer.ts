import type { HashAlgorithm } from './digest/algorithm.js'

/** What a realm has of its own to say about its challenges; a realm without any such thing has no record. */
export type RealmOffer = {
  /** What its challenges offer, in this order; undefined: the server's default. */
  readonly algorithms: readonly HashAlgorithm[] | undefined
  /**
   * Algorithms that not every user of the realm can answer: there are imported credentials without such an HA1. They
   * are not offered; where nothing else is left, MD5 is, which every credential has.
   */
  readonly lacking: readonly HashAlgorithm[]
  /**
   * False where its account is suspended or closed: none of its users is let in, whatever their own records hold, which
   * for many users are brought up to date some time after.
   */
  readonly active: boolean
}
