import type { Change } from '../store/outbox.js'

/**
 * Brings committed changes into the mirror before the writer is answered. Never rejects: what it cannot do now is
 * left in the outbox for the relay. What is logged has the id of the request that the changes came with, where there is
 * one.
 */
export type Publisher = { publish(changes: readonly Change[], requestId?: string): Promise<void> }
