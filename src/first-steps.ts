import { ALGORITHMS, type HashAlgorithm } from './digest/algorithm.js'

/** What the first steps need to know about the running server. */
export type FirstStepsInput = {
  /** Base URLs, and `host:port` of native SIP where it is on. */
  readonly api: string
  readonly auth: string
  readonly sip?: string
  /** File with the generated secrets, and the names of those that it holds. */
  readonly secretsPath: string
  readonly kept: readonly string[]
  /** The algorithm that is offered first, and whether qop=auth is. */
  readonly algorithm: HashAlgorithm
  readonly hasQop: boolean
}

/**
 * Commands to paste into a shell: a credential list, a credential, a challenge, a verdict, a registered phone. They
 * read the secrets from their file, so that none is printed; `$$` makes names that are free at every paste.
 */
export function firstSteps(input: FirstStepsInput): string {
  const { api, auth, sip, secretsPath, kept, algorithm, hasQop } = input
  const [covered, params] = hasQop ? [':00000001:x:auth:', ', qop=auth, nc=00000001, cnonce=\\"x\\"'] : [':', '']
  return [
    '',
    'First steps, to be pasted into a shell:',
    '',
    ...readSecrets(secretsPath, kept),
    // Where there are several, the newest stands first.
    `KEY="$MASTER_ACCOUNT_SID:\${MASTER_AUTH_TOKEN%%,*}"`,
    `ACCOUNT=${api}/2010-04-01/Accounts/$MASTER_ACCOUNT_SID`,
    'show() { sed -n "s/.*\\"$1\\":\\"\\([^\\"]*\\)\\".*/\\1/p"; }',
    `digest() { node -p "crypto.createHash('${ALGORITHMS[algorithm].hash}').update(process.argv[1]).digest('hex')" "$1"; }`,
    '',
    '# a credential list, and a credential in it',
    'LIST=$(curl -sS -u "$KEY" "$ACCOUNT/SIP/CredentialLists.json" -d FriendlyName="phones $$")',
    'LIST_SID=$(echo "$LIST" | show sid) REALM=$(echo "$LIST" | show realm) NAME="alice$$" PASSWORD="Correct-Horse-42"',
    'curl -sS -u "$KEY" "$ACCOUNT/SIP/CredentialLists/$LIST_SID/Credentials.json" -d Username="$NAME" -d Password="$PASSWORD"; echo',
    '',
    '# a challenge, as Kamailio asks for it, and the verdict on the right answer',
    `VERIFY="curl -sS -H 'Authorization: Bearer $PROXY_TOKEN' ${auth}/v1/verify -d method=REGISTER -d realm=$REALM"`,
    'CHALLENGE=$(eval "$VERIFY"); echo "$CHALLENGE"',
    'NONCE=$(echo "$CHALLENGE" | sed -n \'s/.*nonce=\\\\"\\([^\\\\]*\\)\\\\".*/\\1/p\' | head -1)',
    `RESPONSE=$(digest "$(digest "$NAME:$REALM:$PASSWORD"):$NONCE${covered}$(digest "REGISTER:sip:$REALM")")`,
    `DIGEST="Digest username=\\"$NAME\\", realm=\\"$REALM\\", nonce=\\"$NONCE\\", uri=\\"sip:$REALM\\", algorithm=${algorithm}${params}, response=\\"$RESPONSE\\""`,
    'eval "$VERIFY --data-urlencode \'authorization=$DIGEST\'"; echo',
    ...registerPhone(sip),
    '',
  ].join('\n')
}

const NEEDED = ['MASTER_ACCOUNT_SID', 'MASTER_AUTH_TOKEN', 'PROXY_TOKEN']

function readSecrets(path: string, kept: readonly string[]): string[] {
  const configured = NEEDED.filter((name) => !kept.includes(name))
  return [
    ...(configured.length < NEEDED.length ? [`. ${quoteForShell(path)}`] : []),
    ...(configured.length > 0 ? [`# ${configured.join(', ')} must be set here as for the server`] : []),
  ]
}

function registerPhone(sip: string | undefined): string[] {
  if (sip === undefined) return []
  return [
    '',
    '# a phone: any softphone with these settings, or baresip (apt-get install baresip-core)',
    `echo "user $NAME, password $PASSWORD, domain $REALM, outbound proxy sip:${sip}"`,
    'PHONE=$(mktemp -d); printf "net_interface 127.0.0.1\nmodule_path /usr/lib/baresip/modules\nmodule_app account.so\n" > "$PHONE/config"',
    `echo "<sip:$NAME@$REALM>;auth_user=$NAME;auth_pass=$PASSWORD;outbound=\\"sip:${sip}\\"" > "$PHONE/accounts"`,
    'baresip -f "$PHONE" -t 3',
  ]
}

function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
