/**
 * What this browser remembers between visits, in localStorage; on a shared computer nothing outlives the tab.
 * Works, forgetfully, where storage is blocked.
 */

/** A material opened before. `href` holds its capability. */
export interface Recent {
  id: string
  title: string
  href: string
  /** Unix time in milliseconds. */
  at: number
}

/** What the last visit to a material knew, so that it can open without the server. */
export interface Known {
  role: string
  user: { id: string; name: string }
}

const RECENTS = 'studyhub:recents'
const GUEST = 'studyhub:guest'
const THEME = 'studyhub:theme'
const SESSION = 'studyhub:session'
const SHARED = 'studyhub:shared-computer'
const RECENTS_KEPT = 12

const knownKey = (id: string): string => `studyhub:known:${id}`
const tailKey = (id: string): string => `studyhub:tail:${id}`
const waitingKey = (id: string): string => `studyhub:waiting:${id}`

/** Whether this tab was marked as one of a computer that others use, too. */
export function isSharedComputer(): boolean {
  try {
    return sessionStorage.getItem(SHARED) !== null
  } catch {
    return false
  }
}

/** Marks this tab, until it is closed. */
export function shareComputer(isShared: boolean): void {
  if (isShared) sessionStorage.setItem(SHARED, 'yes')
  else sessionStorage.removeItem(SHARED)
}

/** Where everything is kept. Throws where storage is blocked. */
export const storage = (): Storage => (isSharedComputer() ? sessionStorage : localStorage)

function read<Value>(key: string, fallback: Value): Value {
  try {
    const text = storage().getItem(key)
    return text === null ? fallback : (JSON.parse(text) as Value)
  } catch {
    return fallback
  }
}

function write(key: string, value: unknown): void {
  try {
    if (value === null) storage().removeItem(key)
    else storage().setItem(key, JSON.stringify(value))
  } catch {
    // Storage is blocked or full: the page works on without a memory.
  }
}

export const recents = (): Recent[] => read<Recent[]>(RECENTS, [])

export function remember(recent: Recent): void {
  write(RECENTS, [recent, ...recents().filter((other) => other.id !== recent.id)].slice(0, RECENTS_KEPT))
}

export const guest = (): string | null => read<string | null>(GUEST, null)
export const forgetGuest = (): void => write(GUEST, null)
export const rememberGuest = (token: string): void => write(GUEST, token)

const session = (): { user: { name: string } } | null => read(SESSION, null)

/** Whether somebody is signed in. */
export const isSignedIn = (): boolean => session() !== null

/** The name of who is signed in; null: nobody is. */
export const accountName = (): string | null => session()?.user.name ?? null

export const known = (id: string): Known | null => read<Known | null>(knownKey(id), null)
export const rememberKnown = (id: string, value: Known): void => write(knownKey(id), value)

/** Edits that only this browser holds. */
export const waiting = (id: string): number => read(waitingKey(id), 0)

/** As `waiting`, of all materials. */
export function waitingEverywhere(): number {
  try {
    const keys = Object.keys(storage())
    return keys.filter((key) => key.startsWith(waitingKey(''))).reduce((sum, key) => sum + read(key, 0), 0)
  } catch {
    return 0
  }
}

/** Adds `change` (may be negative): several tabs of one browser share the count. */
export function addWaiting(id: string, change: number): void {
  const count = waiting(id) + change
  write(waitingKey(id), count > 0 ? count : null)
}

/** The edits of a page's last moments, base64. */
export const rememberTail = (id: string, tail: string): void => write(tailKey(id), tail)

/** Gives the kept edits once. */
export function takeTail(id: string): string | null {
  const tail = read<string | null>(tailKey(id), null)
  write(tailKey(id), null)
  return tail
}

export type Theme = 'light' | 'dark'

/** The chosen theme, as theme.js reads it; null follows the system. */
export function chooseTheme(theme: Theme | null): void {
  try {
    if (theme) localStorage.setItem(THEME, theme)
    else localStorage.removeItem(THEME)
  } catch {
    // Without storage the choice lasts for this visit.
  }
}
