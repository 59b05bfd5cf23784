import type { Queryable } from './database.js'

/** The secret that unknown users' decoy HA1s derive from: one for all nodes on this database. */
export async function readDecoySecret(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ decoy_secret: string }>('select decoy_secret from instance')
  if (!rows[0]) throw new Error('the table instance is empty: run sipauthd migrate')
  return rows[0].decoy_secret
}
