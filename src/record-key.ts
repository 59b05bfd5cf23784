/** Names one record of the mirror: a credential's, a realm's own, or a SIP domain's. Realms and domains in lower case. */
export type RecordKey =
  | { readonly kind: 'credential'; readonly realm: string; readonly username: string }
  | { readonly kind: 'realm'; readonly realm: string }
  | { readonly kind: 'domain'; readonly domain: string }

export type RecordKind = RecordKey['kind']

/** The keys of one kind. */
export type RecordKeyOf<Kind extends RecordKind> = Extract<RecordKey, { readonly kind: Kind }>

/** Picks the keys of one kind. */
export function keysOf<Kind extends RecordKind>(kind: Kind, keys: readonly RecordKey[]): RecordKeyOf<Kind>[] {
  return keys.filter((key): key is RecordKeyOf<Kind> => key.kind === kind)
}

/** A record's name as one text; no realm and no domain holds a colon, so no two are alike. */
export function nameKey(key: RecordKey): string {
  switch (key.kind) {
    case 'credential':
      return `cred:${key.realm}:${key.username}`
    case 'realm':
      return `realm:${key.realm}`
    case 'domain':
      return `domain:${key.domain}`
  }
}
