import type { Ban } from '../auth/failure-record.js'
import type { RedisClient } from './client.js'
import { BAN_PREFIX, banKey, failuresKey, parseBan } from './failure-record.js'
import { scanKeys } from './key-scan.js'

/** Both keys of a subject, whose names begin alike. */
const SUBJECT_KEY = /^sipauth:(?:ban|failures):\{(.*)\}$/
const SUBJECT_PATTERN = 'sipauth:[bf]a*'

/** Whose ban or failures a key holds; undefined where it is another key. */
export function subjectOfKey(key: string): string | undefined {
  return SUBJECT_KEY.exec(key)?.[1]
}

/** A ban that runs, and whose it is: a subject's name. */
export type ListedBan = { readonly subject: string; readonly ban: Ban }

/** Every ban that runs, in no order; in a cluster those of every master. Rejects where Redis does not answer. */
export async function* listBans(redis: RedisClient): AsyncIterable<ListedBan> {
  for await (const keys of scanKeys(redis, `${BAN_PREFIX}*`)) {
    // One by one, since keys of a cluster lie in many slots.
    const texts = await Promise.all(keys.map((key) => redis.get(key)))
    for (const [index, key] of keys.entries()) {
      const subject = subjectOfKey(key)
      const ban = parseBan(texts[index] ?? null)
      if (ban && subject !== undefined) yield { subject, ban }
    }
  }
}

/** Subjects that are banned, or have failed and are remembered. Rejects where Redis does not answer. */
export async function findSubjects(
  redis: RedisClient,
  isWanted: (subject: string) => boolean,
): Promise<ReadonlySet<string>> {
  const subjects = new Set<string>()
  for await (const keys of scanKeys(redis, SUBJECT_PATTERN)) {
    for (const key of keys) {
      const subject = subjectOfKey(key)
      if (subject !== undefined && isWanted(subject)) subjects.add(subject)
    }
  }
  return subjects
}

/**
 * Forgets a subject: its ban, its failures, and how long its next ban would be. True where it was banned. Rejects where
 * Redis does not answer.
 */
export async function liftBan(redis: RedisClient, subject: string): Promise<boolean> {
  const wasBanned = (await redis.exists(banKey(subject))) === 1
  await redis.del(banKey(subject), failuresKey(subject))
  return wasBanned
}
