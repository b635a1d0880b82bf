/** Changes made one after the other, and what is said about the last one. */
export class Changes {
  /** What went wrong. */
  problem = $state('')
  /** What was done. */
  said = $state('')
  /** Whether the list has arrived at least once. */
  isLoaded = $state(false)

  /** `load` reads again what is shown. */
  constructor(private readonly load: () => Promise<void>) {}

  /** Shows what the server has. */
  start(): void {
    void this.run(async () => undefined)
  }

  /** Runs `change`, then shows what the server has and says `done`; tells whether that went well. */
  async run(change: () => Promise<unknown>, done = ''): Promise<boolean> {
    this.problem = this.said = ''
    try {
      await this.make(change, done)
      return true
    } catch (error) {
      this.problem = (error as Error).message
      return false
    }
  }

  /** As `run`, for forms, which say themselves what went wrong: rejects. */
  async make(change: () => Promise<unknown>, done = ''): Promise<void> {
    this.problem = this.said = ''
    await change()
    await this.load()
    this.isLoaded = true
    this.said = done
  }
}

/** Copies `text`; tells in words how that went. */
export async function copied(text: string, what: string): Promise<string> {
  return navigator.clipboard.writeText(text).then(
    () => `${what} copied`,
    () => 'Your browser does not allow copying: select it and copy it yourself',
  )
}
