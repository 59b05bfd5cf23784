/**
 * The form of a path that the routes are written in: `/api/v1/account/…` without a slash at its end. Vobiz's documents
 * and clients have `Account` as well.
 */
export function canonicalPath(path: string): string {
  return path.replace(/^\/api\/v1\/Account\//, '/api/v1/account/').replace(/^(\/api\/v1\/.*[^/])\/$/, '$1')
}
