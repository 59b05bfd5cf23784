let count = 0

/** What differs from a plain request. A header that is given twice is there twice. */
export type RequestOptions = {
  uri?: string
  via?: string
  from?: string
  to?: string
  callId?: string
  cseq?: number
  /** Header lines to add, each without its CRLF. */
  lines?: readonly string[]
  body?: string
}

/** The text of a request from bob@example.com, each with a Call-ID and branch of its own unless they are given. */
export function sipRequest(method: string, options: RequestOptions = {}): string {
  count++
  const { uri = method === 'REGISTER' ? 'sip:example.com' : 'sip:alice@example.com', body = '', lines = [] } = options
  return [
    `${method} ${uri} SIP/2.0`,
    `Via: ${options.via ?? `SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK${count};rport`}`,
    `From: ${options.from ?? '<sip:bob@example.com>;tag=f1'}`,
    `To: ${options.to ?? '<sip:bob@example.com>'}`,
    `Call-ID: ${options.callId ?? `call-${count}`}`,
    `CSeq: ${options.cseq ?? count} ${method}`,
    ...lines,
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n')
}

/** A response taken apart. */
export type SipAnswer = {
  status: number
  reason: string
  /** Values of a header, whatever the case of its name. */
  all(name: string): string[]
  /** The only value of a header; '' where it is not there. */
  one(name: string): string
  text: string
}

export function readAnswer(text: string): SipAnswer {
  const [head = ''] = text.split('\r\n\r\n')
  const [start = '', ...lines] = head.split('\r\n')
  const [, status = '', reason = ''] = /^SIP\/2\.0 (\d{3}) (.*)$/.exec(start) ?? []
  const all = (name: string): string[] =>
    lines
      .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
      .map((line) => line.slice(name.length + 1).trim())
  const one = (name: string): string => {
    const values = all(name)
    if (values.length > 1) throw new Error(`${name} is there ${values.length} times`)
    return values[0] ?? ''
  }
  return { status: Number(status), reason, all, one, text }
}
