/** Who is here, read from awareness states that others wrote. Pure: nothing in them is trusted. */

/** Caret colours with a contrast of at least 4.5:1 against a white label. */
export const COLOURS = [
  '#2F5BEA', '#C2410C', '#0F766E', '#A21CAF', '#B91C1C',
  '#1D7A3E', '#0369A1', '#BE185D', '#7A5C00', '#475569',
] as const

const NEUTRAL = '#475569'
const NAME_KEPT = 60 // characters

export interface Person {
  id: string
  name: string
  color: string
  kind: 'human' | 'ai'
  role: string
}

/** The `user` field of an awareness state; null when it is none. */
export function readPerson(user: unknown): Person | null {
  if (typeof user !== 'object' || user === null) return null
  const { id, name, color, kind, role } = user as Record<string, unknown>
  return {
    id: typeof id === 'string' ? id : '',
    name: (typeof name === 'string' && name.trim().slice(0, NAME_KEPT)) || 'Guest',
    color: readColour(color),
    kind: kind === 'ai' ? 'ai' : 'human',
    role: typeof role === 'string' ? role : '',
  }
}

/** A colour that may enter a style: six hex digits, or the neutral one. */
export function readColour(color: unknown): string {
  return typeof color === 'string' && /^#[0-9a-f]{6}$/i.test(color) ? color : NEUTRAL
}

/** Everybody but `own`, each person once however many pages they have open, in a stable order. */
export function readPeople(states: Map<number, { user?: unknown }>, own: number, ownId: string): Person[] {
  const people = new Map<string, Person>()
  for (const client of [...states.keys()].sort((a, b) => a - b)) {
    const person = client === own ? null : readPerson(states.get(client)?.user)
    if (person && person.id !== ownId) people.set(person.id || String(client), person)
  }
  return [...people.values()]
}

/** A colour by hash of the person's id; the next free one when somebody here has it. */
export function pickColour(id: string, taken: ReadonlySet<string>): string {
  let hash = 0
  for (const char of id) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) >>> 0
  for (let step = 0; step < COLOURS.length; step += 1) {
    const color = COLOURS[(hash + step) % COLOURS.length] ?? NEUTRAL
    if (!taken.has(color)) return color
  }
  return COLOURS[hash % COLOURS.length] ?? NEUTRAL
}

/** At most two letters for an avatar. */
export function initials(name: string): string {
  const words = name.split(/[\s_-]+/).filter(Boolean)
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]]
  return letters.map((word) => [...(word ?? '')][0]?.toLocaleUpperCase() ?? '').join('') || '?'
}
