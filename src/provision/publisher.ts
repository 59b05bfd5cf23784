import type { Change } from '../store/outbox.js'

/**
 * Brings committed changes into the mirror before the writer is answered. Never rejects: what it cannot do now is
 * left in the outbox for the relay.
 */
export type Publisher = { publish(changes: readonly Change[]): Promise<void> }
