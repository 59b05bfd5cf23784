import mysql from 'mysql2'
import pg from 'pg'
import QueryStream from 'pg-query-stream'
import { createRowReader, isKnownColumn } from './columns.js'
import type { SourceItem } from './source-row.js'

/** Rows that are fetched at once. */
const FETCH = 1_000

/** A foreign database at work: its columns, its rows, and the end of it. */
type Reading = {
  /** Names of all columns of the table. */
  columnsOf(table: string): Promise<readonly string[]>
  /** The named columns of every row, in the order of the column `id` where there is one. */
  rowsOf(table: string, columns: readonly string[], isNumbered: boolean): AsyncIterable<readonly unknown[]>
  close(): Promise<void>
}

const DATABASES: Readonly<Record<string, (url: string) => Promise<Reading>>> = {
  'postgres:': readPostgres,
  'postgresql:': readPostgres,
  'mysql:': readMysql,
  'mariadb:': (url) => readMysql(url.replace(/^mariadb:/, 'mysql:')),
}

/** Whether a source's name is the URL of a database that can be read. */
export function isDatabaseUrl(source: string): boolean {
  return Object.hasOwn(DATABASES, protocolOf(source))
}

function protocolOf(source: string): string {
  return URL.canParse(source) ? new URL(source).protocol : ''
}

/**
 * The users of a `subscriber` table, as the auth_db modules of Kamailio and OpenSIPS keep them. `table` may begin with
 * a schema or a database and a dot. Throws a `SourceFault` where no user can come of its columns.
 */
export async function* readSubscribers(url: string, table: string): AsyncGenerator<SourceItem> {
  const reading = await DATABASES[protocolOf(url)]?.(url)
  if (!reading) throw new Error('no such database')
  try {
    const all = await reading.columnsOf(table)
    const columns = all.filter(isKnownColumn)
    const readRow = createRowReader(columns)
    let line = 0
    for await (const values of reading.rowsOf(table, columns, all.includes('id'))) {
      line++
      yield readRow(line, values.map(toText))
    }
  } finally {
    await reading.close()
  }
}

function toText(value: unknown): string {
  return value === null || value === undefined ? '' : String(value)
}

async function readPostgres(connectionString: string): Promise<Reading> {
  const client = new pg.Client({ connectionString, application_name: 'sipauthd import' })
  let broken: Error | undefined
  // The query that runs is rejected as well; unheard, this would end the process.
  client.on('error', (error) => {
    broken = error
  })
  await client.connect()
  const name = (table: string) => table.split('.').map(pg.escapeIdentifier).join('.')
  return {
    async columnsOf(table) {
      const { fields } = await client.query(`select * from ${name(table)} limit 0`)
      return fields.map((field) => field.name)
    },
    async *rowsOf(table, columns, isNumbered) {
      const list = columns.map((column) => `${pg.escapeIdentifier(column)}::text`).join(', ')
      const text = `select ${list} from ${name(table)}${isNumbered ? ' order by id' : ''}`
      const options = { batchSize: FETCH, highWaterMark: FETCH, rowMode: 'array' } as const
      yield* client.query(new QueryStream(text, [], options)) as AsyncIterable<readonly unknown[]>
      if (broken) throw broken
    },
    close: () => client.end(),
  }
}

async function readMysql(uri: string): Promise<Reading> {
  const connection = mysql.createConnection({ uri, charset: 'utf8mb4' })
  const name = (table: string) =>
    table
      .split('.')
      .map((part) => mysql.escapeId(part))
      .join('.')
  await new Promise<void>((resolve, reject) => connection.connect((error) => (error ? reject(error) : resolve())))
  return {
    columnsOf: (table) =>
      new Promise((resolve, reject) => {
        connection.query(`select * from ${name(table)} limit 0`, (error, _rows, fields) =>
          error ? reject(error) : resolve(fields.map((field) => field.name)),
        )
      }),
    async *rowsOf(table, columns, isNumbered) {
      const list = columns.map((column) => mysql.escapeId(column)).join(', ')
      const sql = `select ${list} from ${name(table)}${isNumbered ? ' order by id' : ''}`
      const rows = connection.query({ sql, rowsAsArray: true }).stream({ highWaterMark: FETCH })
      // A connection that breaks says so here, and not to the stream.
      connection.on('error', (error) => rows.destroy(error))
      yield* rows as AsyncIterable<readonly unknown[]>
    },
    close: async () => connection.destroy(),
  }
}
