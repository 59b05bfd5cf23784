import type pg from 'pg'
import type { Author } from '../author.js'
import type { Publisher } from './publisher.js'

/** What every room of writes is made of; `author` is who asks for them. */
export type WriteDeps = { readonly pool: pg.Pool; readonly publisher: Publisher; readonly author: Author }
