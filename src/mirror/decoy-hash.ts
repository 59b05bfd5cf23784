import { type Ha1Field, hexLengthOf } from '../credential.js'
import { heldFields } from './held-credential.js'

/** A SID's length. */
const SID_LENGTH = 34

/** As bytes come from a socket; as many as the longest value has. */
const RECEIVED = Buffer.alloc(64, '0', 'latin1')

/**
 * The values of a credential's hash that nobody has, in the order of `heldFields`, made of bytes with each call as the
 * Redis client makes strings of those that it receives. For a hash that is not there it receives none, which is where
 * nearly all of the time went by which known and unknown users could be told apart.
 */
export function receiveDecoy(field: Ha1Field): readonly string[] {
  return heldFields(field).map((name) => RECEIVED.subarray(0, hexLengthOf(name) ?? SID_LENGTH).toString())
}
