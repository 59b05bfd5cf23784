/**
 * Why a write was refused; each dialect translates these in one table. `not_found`: what is written to is not there;
 * `unknown_reference`: a field names what the account does not have.
 */
export type RefusalCode =
  | 'not_found'
  | 'unknown_reference'
  | 'invalid'
  | 'username_taken'
  | 'friendly_name_taken'
  | 'realm_taken'
  | 'realm_fixed'
  | 'too_many_lists'
  | 'too_many_credentials'
  | 'list_in_use'
  | 'domain_taken'
  | 'has_subdomains'
  | 'too_many_domains'
  | 'too_many_ip_lists'
  | 'ip_list_in_use'
  | 'too_many_ip_addresses'

/** A write that broke a rule: names the field and the rule, holds no secret, and leaves nothing half written. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  constructor(
    readonly code: RefusalCode,
    /** The field in the house's own spelling; a dialect may have another. */
    readonly field: string,
    /** A sentence without the field's name and without its value. */
    readonly rule: string,
  ) {
    super(`${field} ${rule}`)
  }
}

/** No store could take or give what was asked; the caller may come again. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}
