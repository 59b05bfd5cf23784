import type { RedisClient } from '../redis/client.js'
import { readMarker } from './marker.js'

/** How soon a new connection's marker is looked at again while it is not complete. */
const TRUST_RETRY_MS = 250

/**
 * A new connection may lead to a Redis that was restarted, restored or failed over, with passwords of yesterday: it is
 * trusted once its marker says that it is complete and of this run. An empty one has nothing wrong in it, nor has one
 * that is emptied later: what they lack, the marker tells whoever misses it.
 */
export function watchTrust(redis: RedisClient): { readonly given: boolean } {
  let given = false
  let connection = 0

  async function look(mine: number): Promise<void> {
    const state = await readMarker(redis).catch(() => 'unknown')
    if (mine !== connection || redis.status === 'end') return
    if (state === 'complete' || state === 'missing') given = true
    else setTimeout(look, TRUST_RETRY_MS, mine).unref()
  }

  function begin(): void {
    given = false
    void look(++connection)
  }

  redis.on('ready', begin)
  // A cluster stays ready while one of its nodes comes and goes.
  redis.on('-node', begin)
  redis.on('close', () => {
    given = false
  })
  if (redis.status === 'ready') begin()
  return {
    get given() {
      return given
    },
  }
}
