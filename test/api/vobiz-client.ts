import { checkAnswer } from '../fixtures/documented.js'
import type { Answer, Key, RunningApi } from './running-api.js'

/** An account's credentials in this dialect. */
export type Tenant = Key & { readonly authId: string }

export type VobizOptions = {
  /** Null for none. */
  key?: Pick<Tenant, 'authId' | 'token'> | null
  /** A JSON value, or a body as it is. */
  json?: unknown
  body?: string | Buffer
  headers?: Record<string, string>
}

/** A new account below the master, or below another one. */
export async function createTenant(api: RunningApi, parentSid = api.master.sid): Promise<Tenant> {
  const { account, token } = await api.provision.accounts.create(parentSid, 'a tenant')
  return { sid: account.sid, authId: account.authId, token }
}

/** The path of an account's credentials. */
export function credentialsOf({ authId }: Pick<Tenant, 'authId'>): string {
  return `/api/v1/account/${authId}/credentials`
}

/** Asks as the documents' curl does: a content type with every method. */
export async function askVobiz(
  api: RunningApi,
  method: string,
  path: string,
  { key, json, body = json === undefined ? undefined : JSON.stringify(json), headers }: VobizOptions,
): Promise<Answer> {
  const response = await fetch(api.url + path, {
    method,
    headers: {
      ...(key ? { 'X-Auth-ID': key.authId, 'X-Auth-Token': key.token } : {}),
      'content-type': 'application/json',
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  })
  const text = await response.text()
  const contentType = response.headers.get('content-type')
  checkAnswer({ method, url: path, status: response.status, contentType, text }, 'management')
  return { status: response.status, headers: response.headers, text, body: text === '' ? undefined : JSON.parse(text) }
}
