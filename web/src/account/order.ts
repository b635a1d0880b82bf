/** Places in a list. Pure. */

/** `ids` with the one at `index` moved by `step` places; as it is where that would leave the list. */
export function moved(ids: readonly string[], index: number, step: number): string[] {
  const order = [...ids]
  const target = index + step
  const [id] = target < 0 || target >= order.length ? [] : order.splice(index, 1)
  if (id !== undefined) order.splice(target, 0, id)
  return order
}

/** The colours of tabs, as the server keeps them: names, so that each theme has its own shade. */
export const COLOURS = ['', 'blue', 'teal', 'green', 'yellow', 'orange', 'red', 'pink', 'grey'] as const

const HEX = /^#[0-9a-f]{6}$/i

/** What a colour is in CSS; another program may have chosen one that is none of ours. */
export function css(colour: string): string {
  if (HEX.test(colour)) return colour
  return (COLOURS as readonly string[]).includes(colour) && colour ? `var(--tab-${colour})` : 'transparent'
}
