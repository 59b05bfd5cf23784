import type { Queryable } from './database.js'

/** The secret that unknown users' decoy HA1s derive from: one for all nodes on this database. */
export async function readDecoySecret(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ decoy_secret: string }>('select decoy_secret from instance')
  if (!rows[0]) throw new Error('the table instance is empty: run sipauthd migrate')
  return rows[0].decoy_secret
}

/** Whether a server or a command has mirrored this database in Redis, so that all must. */
export async function isMirroredInRedis(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ mirrored_in_redis: boolean }>('select mirrored_in_redis from instance')
  return rows[0]?.mirrored_in_redis ?? false
}

/** Remembers it for all servers on this database; from the commit on only those with Redis take changes out. */
export async function setMirroredInRedis(db: Queryable, mirrored: boolean): Promise<void> {
  await db.query('update instance set mirrored_in_redis = $1 where mirrored_in_redis <> $1', [mirrored])
}
