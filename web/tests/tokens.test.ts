import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { COLOURS } from '../src/people/people'

const css = readFileSync(new URL('../src/styles/tokens.css', import.meta.url), 'utf8')
const tokens = new Map([...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(([, name, ...pair]) => [name, pair]))

/** Relative luminance, WCAG 2.2. */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const channel = parseInt(hex.slice(at, at + 2), 16) / 255
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function contrast(one: string, two: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(two)].sort((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

const colour = (name: string, theme: number): string => tokens.get(name)?.[theme] ?? 'missing'

for (const theme of [0, 1]) {
  const name = ['light', 'dark'][theme]
  test.each(
    ['ink', 'muted', 'accent-ink', 'ai', 'ok', 'warn', 'bad'].flatMap((text) => ['bg', 'surface'].map((under) => [text, under])),
  )(`${name}: text in %s on %s has a contrast of 4.5:1`, (text, under) => {
    expect(contrast(colour(text ?? '', theme), colour(under ?? '', theme))).toBeGreaterThanOrEqual(4.5)
  })

  test.each(['yellow', 'green', 'blue', 'pink'])(`${name}: ink on a %s highlight has a contrast of 4.5:1`, (tone) => {
    expect(contrast(colour('ink', theme), colour(`mark-${tone}`, theme))).toBeGreaterThanOrEqual(4.5)
  })

  test(`${name}: the label of the main button has a contrast of 4.5:1`, () => {
    expect(contrast(colour('on-accent', theme), colour('accent', theme))).toBeGreaterThanOrEqual(4.5)
  })
}

test.each(COLOURS)('a white name on %s has a contrast of 4.5:1', (color) => {
  expect(contrast('#ffffff', color)).toBeGreaterThanOrEqual(4.5)
})
