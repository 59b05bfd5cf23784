import type { RecordKey } from './record-key.js'

/** What one process of a node has changed, as the others hear of it before the change is answered. */
export type News = {
  /** Records that are not as they were. */
  readonly keys: readonly RecordKey[]
  /** The newest change that the mirror did not take, if there is one; it outgrows a double. */
  readonly unmirrored: string | undefined
}

/** The other processes of a node. */
export type Siblings = {
  /** Resolves when each has taken the news, or has not answered for longer than anything counts near. Never rejects. */
  tellNews(news: News): Promise<void>
}
