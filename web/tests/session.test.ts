import { expect, test } from 'vitest'
import { Session, type Tokens } from '../src/account/session'

const USER = { id: 'u1', name: 'Ada' }
const MINUTE = 60_000

/** A browser whose tabs share storage and lock, and a server that knows which refresh token is the newest. */
class Browser {
  readonly kept = new Map<string, string>()
  now = 0
  used: string[] = []
  newest = 'r0'
  isAway = false
  private turn: Promise<unknown> = Promise.resolve()

  tab(): Session {
    return new Session({
      storage: {
        getItem: (key) => this.kept.get(key) ?? null,
        setItem: (key, value) => void this.kept.set(key, value),
        removeItem: (key) => void this.kept.delete(key),
      },
      alone: (action) => {
        const mine = this.turn.then(action, action)
        this.turn = mine.catch(() => undefined)
        return mine
      },
      renew: (refresh) => this.renew(refresh),
      now: () => this.now,
    })
  }

  tokens(): Tokens {
    return { user: USER, access: `a-${this.newest}`, refresh: this.newest, expires: this.now + 15 * MINUTE }
  }

  private async renew(refresh: string): Promise<Tokens | null> {
    await Promise.resolve()
    if (this.isAway) throw new Error('away')
    this.used.push(refresh)
    if (refresh !== this.newest) return null
    this.newest = `r${this.used.length}`
    return this.tokens()
  }
}

function signedIn(): { browser: Browser; tab: Session } {
  const browser = new Browser()
  const tab = browser.tab()
  tab.keep(browser.tokens())
  return { browser, tab }
}

test('nobody is signed in at first', async () => {
  const tab = new Browser().tab()
  expect(tab.tokens).toBeNull()
  expect(await tab.access()).toBeNull()
})

test('a token is used until shortly before its end', async () => {
  const { browser, tab } = signedIn()
  browser.now = 13 * MINUTE
  expect(await tab.access()).toBe('a-r0')
  browser.now = 14 * MINUTE
  expect(await tab.access()).toBe('a-r1')
  expect(browser.used).toEqual(['r0'])
})

test('many tabs at once use a refresh token once', async () => {
  const { browser, tab } = signedIn()
  browser.now = 20 * MINUTE
  const tabs = [tab, browser.tab(), browser.tab()]
  expect(await Promise.all(tabs.flatMap((one) => [one.access(), one.access()]))).toEqual(Array(6).fill('a-r1'))
  expect(browser.used).toEqual(['r0'])
})

test('a session that the server ended is forgotten', async () => {
  const { browser, tab } = signedIn()
  browser.newest = 'another'
  browser.now = 20 * MINUTE
  let told = 0
  tab.onEnd = () => (told += 1)
  expect(await tab.access()).toBeNull()
  expect(tab.tokens).toBeNull()
  expect([told, tab.hasEnded, browser.tab().hasEnded]).toEqual([1, true, true])
  tab.keep(browser.tokens())
  expect(tab.hasEnded).toBe(false)
})

test('a server that is away ends no session', async () => {
  const { browser, tab } = signedIn()
  browser.isAway = true
  browser.now = 20 * MINUTE
  await expect(tab.access()).rejects.toThrow('away')
  browser.isAway = false
  expect(await tab.access()).toBe('a-r1')
})

test('what cannot be read counts as nobody', async () => {
  const { browser, tab } = signedIn()
  browser.kept.set('studyhub:session', '{')
  expect(tab.tokens).toBeNull()
})
