/**
 * Events of an HTTP server that answers some requests itself, without node's `request` event: a connection's request
 * begins to be answered, and its answer has been written. Listeners get the connection's socket.
 */
export const ANSWERING = 'sipauthd:answering'
export const ANSWERED = 'sipauthd:answered'
