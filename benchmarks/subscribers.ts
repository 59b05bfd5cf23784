import pg from 'pg'
import { runSipauthd } from '../test/fixtures/sipauthd.js'

/** Fills Kamailio's table of users with `user0` to `user<users - 1>` of a realm, all with one password. */
export async function createSubscribers(url: string, realm: string, password: string, users: number): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`create table subscriber (id serial primary key, username varchar(64) not null,
    domain varchar(64) not null, password varchar(64) not null default '', ha1 varchar(128) not null,
    ha1b varchar(128) not null, unique (username, domain))`)
  await client.query('create table version (table_name varchar(32) unique, table_version int)')
  await client.query("insert into version values ('subscriber', 7)")
  await client.query(
    `insert into subscriber (username, domain, ha1, ha1b)
     select 'user' || n, $1::text, md5('user' || n || ':' || $1 || ':' || $2),
            md5('user' || n || '@' || $1 || ':' || $1 || ':' || $2)
     from generate_series(0, $3::int - 1) as n`,
    [realm, password, users],
  )
  await client.query('analyze subscriber')
  await client.end()
}

/** Brings them over to sipauthd. */
export async function importSubscribers(from: string, users: number, env: Readonly<Record<string, string>>) {
  const { stdout, stderr } = await runSipauthd(['import', from], env)
  if (!stdout.includes(`${users} created`)) throw new Error(`the import failed: ${stdout}${stderr}`)
}
