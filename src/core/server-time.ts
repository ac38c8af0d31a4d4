/** When something happened by the clock of a shared tier's server, on the monotonic clock of this process. */
export class ServerTime {
  readonly #nowMs: () => number
  /** By shard: the server's wall clock minus ours, too high by what the question took, so that nothing is said to be newer than it is. */
  readonly #offsets: (number | undefined)[] = []

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  note(shard: number, sentAtMs: number, serverNowMs: number): void {
    this.#offsets[shard] = serverNowMs - sentAtMs
  }

  /** Never later than now, which is all that is known before the server was asked. */
  here(shard: number, serverMs: number): number {
    const nowMs = this.#nowMs()
    const offset = this.#offsets[shard]
    return offset === undefined ? nowMs : Math.min(nowMs, serverMs - offset)
  }
}
