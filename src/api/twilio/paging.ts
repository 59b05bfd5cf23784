import { Type } from 'typebox'
import type { Page, Position } from '../../store/page.js'
import type { Call } from '../operation.js'
import type { Cursor, PageTokens } from '../page-tokens.js'
import { CodedRefusal, INVALID_PARAMETER } from './errors.js'
import { defineField } from './field.js'
import { defineForm } from './form.js'

const PAGE_SIZE_DEFAULT = 50
const PAGE_SIZE_MAX = 1000
const PAGE_SIZE_TOO_LARGE = 20007

/** Which page of a list is asked for. */
export type PageRequest = {
  /** Path of the list. */
  readonly path: string
  /** Counted from zero by the client; it decides only where there is no token. */
  readonly number: number
  readonly size: number
  readonly token: string | undefined
  readonly position: Position
  /** Makes the tokens of the pages beside it. */
  readonly tokens: PageTokens
}

const pageSizeSchema = Type.Integer({
  minimum: 1,
  maximum: PAGE_SIZE_MAX,
  default: PAGE_SIZE_DEFAULT,
  description: 'Rows of a page.',
})
const pageSize = defineField('PageSize', pageSizeSchema, (text, name) => {
  if (!/^0*[1-9][0-9]*$/.test(text))
    throw new CodedRefusal(INVALID_PARAMETER, name, `must be a number of 1 to ${PAGE_SIZE_MAX}`)
  const size = Number(text)
  if (size > PAGE_SIZE_MAX) throw new CodedRefusal(PAGE_SIZE_TOO_LARGE, name, `must not exceed ${PAGE_SIZE_MAX}`)
  return size
})

const pageNumberSchema = Type.Integer({
  minimum: 0,
  maximum: 999_999_999,
  default: 0,
  description: 'Number of the page, from 0; it decides only without a PageToken.',
})
const pageNumber = defineField('Page', pageNumberSchema, (text, name) => {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text)
  throw new CodedRefusal(INVALID_PARAMETER, name, 'must be a number of at most nine digits, counted from 0')
})

const pageTokenSchema = Type.String({
  description: 'Where the page lies, from `next_page_uri` or `previous_page_uri` of another page of this list.',
})
const pageToken = defineField('PageToken', pageTokenSchema, (text) => text)

/** What a query takes to name a page; for forms that take more. */
export const PAGE_FIELDS = { size: pageSize.optional, number: pageNumber.optional, token: pageToken.optional }

/** The query of an operation that pages and takes nothing else. */
export const PageQuery = defineForm(PAGE_FIELDS)

/** Reads Page, PageSize and PageToken. Throws `Refusal` where one of them breaks its rule. */
export function parsePageRequest(path: string, { query, pageTokens: tokens }: Call): PageRequest {
  const { size = PAGE_SIZE_DEFAULT, number = 0, token } = PageQuery.parse(query)
  if (token === undefined)
    return { path, number, size, token, tokens, position: { kind: 'offset', rows: number * size } }
  const position = tokens.parse(path, token)
  if (!position)
    throw new CodedRefusal(INVALID_PARAMETER, 'PageToken', 'must be one that a page of this list has given')
  return { path, number, size, token, tokens, position }
}

/** Schemas of what stands beside the rows of a page. */
export const PAGE_PROPERTIES = {
  first_page_uri: Type.String(),
  next_page_uri: Type.Union([Type.String(), Type.Null()], { description: 'Null on the last page.' }),
  previous_page_uri: Type.Union([Type.String(), Type.Null()], { description: 'Null on the first page.' }),
  page: Type.Integer({ minimum: 0 }),
  page_size: Type.Integer({ minimum: 1, maximum: PAGE_SIZE_MAX }),
  start: Type.Integer({ minimum: 0, description: 'Number of the first row, from 0.' }),
  end: Type.Integer({ minimum: 0, description: 'Number of the last row.' }),
  uri: Type.String(),
}

/** What stands beside the rows of a page. Filters are kept in its links. */
export function describePage(
  request: PageRequest,
  page: Page<{ readonly seq: string }>,
  filters: Readonly<Record<string, string | undefined>> = {},
) {
  const { path, number, size, token, tokens } = request
  const start = number * size

  function link(toNumber: number, pageToken: string | undefined): string {
    const parameters = { ...filters, PageSize: size, Page: toNumber, PageToken: pageToken }
    const pairs = Object.entries(parameters).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
    )
    return `${path}?${pairs.join('&')}`
  }

  function linkTo(cursor: Cursor | undefined, toNumber: number): string {
    return link(Math.max(0, toNumber), cursor && tokens.format(path, cursor))
  }

  return {
    first_page_uri: link(0, undefined),
    next_page_uri: page.hasNext ? linkTo(nextCursor(request, page), number + 1) : null,
    previous_page_uri: page.hasPrevious ? linkTo(previousCursor(request, page), number - 1) : null,
    page: number,
    page_size: size,
    start,
    end: start + Math.max(0, page.rows.length - 1),
    uri: link(number, token),
  }
}

// A page without rows, all deleted since its link was made, lies where its own token says: at the row behind which it
// began, which belongs to the page before, or at the one that it ended before, which belongs to the next.

function nextCursor({ position }: PageRequest, { rows }: Page<{ seq: string }>): Cursor | undefined {
  const last = rows.at(-1)
  if (last) return { kind: 'after', seq: last.seq }
  return position.kind === 'before' ? { kind: 'after', seq: String(BigInt(position.seq) + 1n) } : undefined
}

function previousCursor({ position }: PageRequest, { rows }: Page<{ seq: string }>): Cursor | undefined {
  const [first] = rows
  if (first) return { kind: 'before', seq: first.seq }
  return position.kind === 'after' ? { kind: 'before', seq: String(BigInt(position.seq) - 1n) } : undefined
}
