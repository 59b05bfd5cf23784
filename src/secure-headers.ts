/**
 * Header fields of answers that a browser could meet: they hold tokens and names, so nobody keeps them, no browser takes
 * them for a page, and no page of another origin reads or frames them. There is no Strict-Transport-Security: a host
 * must not send it over plain HTTP (RFC 6797 section 7.2), and whoever ends TLS in front adds it there.
 */
export const SECURE_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const
