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
