/**
 * Who is signed in, in this browser. The access token lives for minutes; the refresh token gets the next one and
 * is good for one use only, so all tabs of a browser take turns with it.
 */

export interface Tokens {
  user: { id: string; name: string }
  access: string
  refresh: string
  /** Unix time in milliseconds at which the access token ends. */
  expires: number
}

/** What a session needs of the browser; tests hand in their own. */
export interface Surroundings {
  /** Outlives the browser, or on a shared computer the tab only. */
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>
  /** Runs `action` while no other tab does. */
  alone<Result>(action: () => Promise<Result>): Promise<Result>
  /** New tokens for a refresh token; null when the server has ended the session. Rejects when it is away. */
  renew(refresh: string): Promise<Tokens | null>
  now(): number
}

const KEY = 'studyhub:session'
const ENDED = 'studyhub:ended'
const EARLY = 60_000 // milliseconds before its end that a token counts as over: clocks differ, requests take time

export class Session {
  /** Called when the server has ended the session. */
  onEnd: () => void = () => undefined

  constructor(private readonly surroundings: Surroundings) {}

  /** The tokens that are kept; null: nobody is signed in. */
  get tokens(): Tokens | null {
    try {
      const text = this.surroundings.storage.getItem(KEY)
      return text === null ? null : (JSON.parse(text) as Tokens)
    } catch {
      return null
    }
  }

  /** Whether the server has ended the last session, and nobody has signed in since. */
  get hasEnded(): boolean {
    return this.surroundings.storage.getItem(ENDED) !== null
  }

  keep(tokens: Tokens): void {
    this.surroundings.storage.setItem(KEY, JSON.stringify(tokens))
    this.surroundings.storage.removeItem(ENDED)
  }

  forget(): void {
    this.surroundings.storage.removeItem(KEY)
  }

  /** The server says that this device is not signed in any more. */
  end(): void {
    this.forget()
    this.surroundings.storage.setItem(ENDED, 'yes')
    this.onEnd()
  }

  /** An access token that is still good; null: nobody is signed in. Rejects when the server is away. */
  async access(): Promise<string | null> {
    const fresh = this.fresh()
    if (fresh || !this.tokens) return fresh
    return this.surroundings.alone(async () => {
      const tokens = this.tokens // another tab may have been faster
      if (!tokens || this.fresh()) return this.fresh()
      const renewed = await this.surroundings.renew(tokens.refresh)
      if (renewed) this.keep(renewed)
      else this.end()
      return renewed?.access ?? null
    })
  }

  private fresh(): string | null {
    const { tokens } = this
    return tokens && tokens.expires - EARLY > this.surroundings.now() ? tokens.access : null
  }
}
