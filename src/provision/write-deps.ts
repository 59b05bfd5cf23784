import type pg from 'pg'
import type { Author } from '../author.js'
import type { Publisher } from './publisher.js'

/** What every room of writes is made of. */
export type WriteDeps = {
  readonly pool: pg.Pool
  readonly publisher: Publisher
  /** Domain that new accounts' realms lie under, in lower case; it is common ground. */
  readonly sipDomain: string
  /** Who asks for the writes. */
  readonly author: Author
}
