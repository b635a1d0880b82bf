/** Plain shared text in an input field. Pure but for the one write at the end. */
import type * as Y from 'yjs'

/** A replacement at `index` (UTF-16 units): `remove` units go, `insert` comes. */
export interface Change {
  index: number
  remove: number
  insert: string
}

/** The smallest single replacement from `before` to `after` that splits no surrogate pair; null if equal. */
export function difference(before: string, after: string): Change | null {
  if (before === after) return null
  const shorter = Math.min(before.length, after.length)
  let start = 0
  while (start < shorter && before[start] === after[start]) start += 1
  if (isHighSurrogate(before, start - 1)) start -= 1
  let end = 0
  while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) end += 1
  if (isHighSurrogate(before, before.length - end - 1)) end -= 1
  end = Math.max(end, 0)
  return { index: start, remove: before.length - start - end, insert: after.slice(start, after.length - end) }
}

function isHighSurrogate(text: string, index: number): boolean {
  const unit = text.charCodeAt(index)
  return unit >= 0xd800 && unit < 0xdc00
}

/** Where a position in the old text lies after `change`. */
export function shift(position: number, change: Change): number {
  if (position <= change.index) return position
  return Math.max(change.index, position - change.remove) + change.insert.length
}

/** Makes `text` read `value` by the smallest edit, so that people who type at once keep their letters. */
export function setText(text: Y.Text, value: string): void {
  const change = difference(text.toString(), value)
  if (!change) return
  text.doc?.transact(() => {
    text.delete(change.index, change.remove)
    text.insert(change.index, change.insert)
  })
}
