/** The path of an account without its ending; what lies below it begins so. */
export function accountPath(sid: string): string {
  return `/2010-04-01/Accounts/${sid}`
}

/** The path of an account's credential lists without its ending. */
export function credentialListsPath(accountSid: string): string {
  return `${accountPath(accountSid)}/SIP/CredentialLists`
}

/** The path of a credential list's credentials without its ending. */
export function credentialsPath(accountSid: string, listSid: string): string {
  return `${credentialListsPath(accountSid)}/${listSid}/Credentials`
}

/** The path of an account's domains without its ending. */
export function domainsPath(accountSid: string): string {
  return `${accountPath(accountSid)}/SIP/Domains`
}

/** The path of a domain without its ending; its mappings lie below it. */
export function domainPath(accountSid: string, sid: string): string {
  return `${domainsPath(accountSid)}/${sid}`
}

/** The path of an account's IP access control lists without its ending. */
export function ipAccessControlListsPath(accountSid: string): string {
  return `${accountPath(accountSid)}/SIP/IpAccessControlLists`
}

/** The path of an IP access control list's addresses without its ending. */
export function ipAddressesPath(accountSid: string, listSid: string): string {
  return `${ipAccessControlListsPath(accountSid)}/${listSid}/IpAddresses`
}
