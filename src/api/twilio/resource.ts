import { type Static, type TObject, Type } from 'typebox'
import type { Page, Position } from '../../store/page.js'
import type { Call, Operation } from '../operation.js'
import type { Form } from './form.js'
import { describePage, PAGE_PROPERTIES, PageQuery, parsePageRequest } from './paging.js'

/** Things of one kind that lie together, as a path names them. */
export type Collection<Row, New> = {
  /** Path of their list, with its ending. */
  readonly path: string
  list(position: Position, size: number): Promise<Page<Row>>
  create(input: New): Promise<Row>
}

/** What the operations on things of one kind have in common. `Row` is a thing as stored, `New` what makes one. */
export type Resource<Row extends { readonly seq: string }, New, Body extends TObject> = {
  /** What one of them and what several are called: `a credential list`, `credential lists`. */
  readonly one: string
  readonly many: string
  /** Name of the array in a page. */
  readonly key: string
  /** Twilio's code of a validation error. */
  readonly invalid: number
  readonly body: Body
  toBody(row: Row): Static<Body>
  readonly createForm: Form<New>
  /** What a reader must know of the creation and of the deletion beyond the schemas. */
  readonly createNote?: string
  readonly removeNote?: string
  /** The collection that the path names. Throws `not_found` where what it belongs to does not exist. */
  open(call: Call): Promise<Collection<Row, New>>
  /** The thing that the path names. Throws `not_found`. */
  find(call: Call): Promise<Row>
  remove(call: Call, row: Row): Promise<void>
}

/** The operations that every kind of thing has. */
export function createResourceOperations<Row extends { readonly seq: string }, New, Body extends TObject>(
  resource: Resource<Row, New, Body>,
) {
  const { one, many, key, invalid, body, createForm, createNote, removeNote } = resource

  const create: Operation = {
    summary: `Create ${one}`,
    ...(createNote === undefined ? {} : { description: createNote }),
    form: createForm,
    status: 201,
    body,
    invalid,
    async handle(call) {
      const collection = await resource.open(call)
      return resource.toBody(await collection.create(createForm.parse(call.form)))
    },
  }

  const fetch: Operation = {
    summary: `Fetch ${one}`,
    status: 200,
    body,
    invalid,
    handle: async (call) => resource.toBody(await resource.find(call)),
  }

  const list: Operation = {
    summary: `List ${many}`,
    query: PageQuery,
    status: 200,
    body: Type.Object({ ...PAGE_PROPERTIES, [key]: Type.Array(body) }),
    invalid,
    async handle(call) {
      const collection = await resource.open(call)
      const request = parsePageRequest(collection.path, call)
      const page = await collection.list(request.position, request.size)
      return { ...describePage(request, page), [key]: page.rows.map((row) => resource.toBody(row)) }
    },
  }

  const remove: Operation = {
    summary: `Delete ${one}`,
    ...(removeNote === undefined ? {} : { description: removeNote }),
    status: 204,
    body: undefined,
    invalid,
    async handle(call) {
      await resource.remove(call, await resource.find(call))
      return undefined
    },
  }

  return { create, fetch, list, remove }
}

/** The operation that changes a thing, for those that can be changed. */
export function createUpdateOperation<Row extends { readonly seq: string }, New, Body extends TObject, Change>(
  resource: Resource<Row, New, Body>,
  form: Form<Change>,
  note: string | undefined,
  update: (call: Call, row: Row, change: Change) => Promise<Row>,
): Operation {
  return {
    summary: `Change ${resource.one}`,
    ...(note === undefined ? {} : { description: note }),
    form,
    status: 200,
    body: resource.body,
    invalid: resource.invalid,
    async handle(call) {
      const row = await resource.find(call)
      return resource.toBody(await update(call, row, form.parse(call.form)))
    },
  }
}
