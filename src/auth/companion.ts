/**
 * One key's text that is stored in the very step that spends a nonce count, and only where the count was new: so it
 * costs no round trip of its own, and whoever replays changes nothing. A record of uses that cannot do both in one step
 * leaves it alone.
 */
export type Companion = {
  readonly key: string
  /** What the key holds; where it holds something else, it stays as it is. */
  readonly expected: string
  readonly text: string
  /** How long the text lasts, in ms; 0 removes the key. */
  readonly leftMs: number
  /** Is told whether it was stored, where the count was new. Not called where that was not tried. */
  settle(stored: boolean): void
}
