import { Secret } from '../secret.js'
import type { Secrets } from '../secrets.js'
import type { Boot } from './protocol.js'

/** What a worker begins with, as it travels. */
export function packBoot(secrets: Secrets, decoySecret: string): Boot {
  return {
    masterAccountSid: secrets.masterAccountSid,
    masterAuthTokens: secrets.masterAuthTokens.map(reveal),
    proxyToken: secrets.proxyToken.reveal(),
    ha1Token: secrets.ha1Token?.reveal(),
    nonceSecrets: secrets.nonceSecrets.map(reveal),
    decoySecret,
  }
}

/** The same at its destination, where secrets are secrets again. */
export function unpackBoot(boot: Boot): { readonly secrets: Secrets; readonly decoySecret: string } {
  return {
    secrets: {
      masterAccountSid: boot.masterAccountSid,
      masterAuthTokens: toSecrets(boot.masterAuthTokens),
      proxyToken: new Secret(boot.proxyToken),
      ha1Token: boot.ha1Token === undefined ? undefined : new Secret(boot.ha1Token),
      nonceSecrets: toSecrets(boot.nonceSecrets),
    },
    decoySecret: boot.decoySecret,
  }
}

/** Texts as secrets. */
export function toSecrets(texts: readonly string[]): readonly Secret[] {
  return texts.map((text) => new Secret(text))
}

function reveal(secret: Secret): string {
  return secret.reveal()
}
