/**
 * Which of this replica's edits the server has acknowledged. Pure.
 *
 * The server counts the updates and step 2s of one connection and says `saved n`: the first n are durable.
 * An edit is waiting until the message that carries it is among them. What waits when a connection ends is
 * carried by the step 2 of the next one.
 */
export class Ledger {
  /** Edits (local transactions) that no acknowledged message carries. */
  waiting: number

  /** Whether a step 2 has gone out on this connection: before it, nothing vouches for the local copy. */
  private vouched = false
  private unsent: number
  /** Edits carried by each message that waits for its acknowledgement, in sending order. */
  private inFlight: number[] = []
  /** Acknowledged messages of this connection. */
  private covered = 0

  /** @param inherited edits that an earlier page left in the local copy without an acknowledgement */
  constructor(inherited = 0) {
    this.waiting = inherited
    this.unsent = inherited
  }

  /** One more local edit, not sent yet. */
  edited(): void {
    this.waiting += 1
    this.unsent += 1
  }

  /** A new connection: counting starts afresh. */
  connected(): void {
    this.vouched = false
    this.unsent = this.waiting
    this.inFlight = []
    this.covered = 0
  }

  /** A step 2 was sent; it carries everything that waits unsent. */
  sentStep2(): void {
    this.vouched = true
    this.sentUpdate()
  }

  /** An update was sent; it carries everything that waits unsent. */
  sentUpdate(): void {
    this.inFlight.push(this.unsent)
    this.unsent = 0
  }

  /** The server's `saved`: the first `n` messages of this connection are durable. */
  saved(n: number): void {
    while (this.covered < n && this.inFlight.length > 0) {
      this.waiting -= this.inFlight.shift() ?? 0
      this.covered += 1
    }
  }

  /** Whether everything that this replica holds is durable on the server. */
  get settled(): boolean {
    return this.vouched && this.unsent === 0 && this.inFlight.length === 0
  }
}
