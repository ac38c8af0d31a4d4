/**
 * Removes pub/sub messages from a stream of Redis replies: `drops` is asked for each. Replies are forwarded whole, so a
 * piece may be held until the rest of its last reply has come.
 */
export function withoutMessages(drops: () => boolean): (piece: Buffer) => Buffer {
  let rest: Buffer = Buffer.alloc(0)
  let isSubscriber = false
  return (piece) => {
    if (!isSubscriber) {
      isSubscriber = piece.includes('subscribe\r\n')
      if (!isSubscriber) return piece
    }
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    const kept: Buffer[] = []
    for (let end = endOfReply(rest, 0); end !== undefined; end = endOfReply(rest, 0)) {
      const reply = rest.subarray(0, end)
      rest = rest.subarray(end)
      if (!(isMessage(reply) && drops())) kept.push(reply)
    }
    return Buffer.concat(kept)
  }
}

/** `*3 $7 message …` of RESP2, `>3 $7 message …` of RESP3, and those of sharded channels. */
function isMessage(reply: Buffer): boolean {
  return /^[*>]3\r\n\$[78]\r\ns?message\r\n/.test(reply.subarray(0, 24).toString('latin1'))
}

/** Where the reply that begins at `at` ends; undefined while it is not complete. */
function endOfReply(data: Buffer, at: number): number | undefined {
  const lineEnd = data.indexOf('\r\n', at)
  if (lineEnd < 0) return undefined
  const next = lineEnd + 2
  const size = Number(data.subarray(at + 1, lineEnd).toString('latin1'))
  switch (String.fromCharCode(data[at]!)) {
    case '$': {
      const end = size < 0 ? next : next + size + 2
      return end <= data.length ? end : undefined
    }
    case '*':
    case '>': {
      let end: number | undefined = next
      for (let item = 0; item < size && end !== undefined; item++) end = endOfReply(data, end)
      return end
    }
    default:
      return next
  }
}
