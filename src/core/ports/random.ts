/** The only source of randomness: jitter, ids, sampling. */
export interface Random {
  /** A number in [0, 1). */
  next(): number
  /** Twelve random bytes as 16 base64url characters: the id of a fill, also its lease token. */
  fillId(): string
  /** Six random bytes as 8 base64url characters: an epoch, a log generation. */
  shortId(): string
}
