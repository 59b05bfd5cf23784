/** Every bound of native SIP in one table. Sizes are in bytes, times in milliseconds. */
export const LIMITS = {
  /** A whole message: head, empty line and body. */
  message: 16_384,
  /** A head without the empty line that ends it. */
  head: 12_288,
  /** Lines of a head, the start line and folded lines included. */
  headLines: 96,
  /** The value of one header that is read, Authorization among them. */
  headerValue: 4_096,
  /** A URI wherever it stands. */
  uri: 512,
  callId: 256,
  /** Requests that are being checked at one time; beyond it 503. */
  inFlight: 10_000,
  /**
   * Answers to requests that were let in, INVITE apart, kept on UDP for retransmissions, and their bytes with those of
   * their transactions' keys: 2,000 right checks a second for 32 s, about 600 bytes of memory each. Beyond it the oldest
   * goes.
   */
  answers: 64_000,
  answerBytes: 64 * 1024 * 1024,
  /**
   * INVITEs that were let in: 4,000 a second with an ACK, kept for 5 s, or 600 without, kept for 32 s; about 5 KB of
   * memory each, timers included. Beyond it the oldest goes.
   */
  invites: 20_000,
  /** Refusals of wrong Authorizations kept for retransmissions, and their bytes; beyond it the oldest goes. */
  refusals: 10_000,
  refusalBytes: 16 * 1024 * 1024,
  /** Connections (TCP, TLS and WebSocket together), and those of one address. */
  connections: 4_000,
  connectionsPerAddress: 1_200,
  /** From a connection to the end of its first message. */
  firstMessageMs: 10_000,
  /** From a message's first byte to its last, and from a refusal to the end of the connection. */
  messageMs: 5_000,
  /** A connection between two messages. */
  idleMs: 120_000,
  /** Output that a peer has not read; beyond it the connection ends. */
  unreadOutput: 262_144,
  /** Messages of one connection that are read before others have their turn. */
  messagesPerTurn: 32,
  /** What the kernel may hold of datagrams not read yet. */
  udpReceiveBuffer: 4 * 1024 * 1024,
  /** How long a stopping server waits for requests that are being answered. */
  drainMs: 4_000,
} as const

/** The same table with other numbers. */
export type Limits = { readonly [Name in keyof typeof LIMITS]: number }
