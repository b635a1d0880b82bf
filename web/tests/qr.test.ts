import { expect, test } from 'vitest'
import { draw } from '../src/account/qr'

test('the outline has its three finders inside the quiet zone, and nothing in that zone', () => {
  const { size, path } = draw('otpauth://totp/StudyHub:ada?secret=ABC')
  const dark = [...path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)].map(([, x, y]) => [Number(x), Number(y)] as const)
  const isDark = (x: number, y: number): boolean => dark.some(([a, b]) => a === x && b === y)
  for (const [x, y] of [[4, 4], [size - 11, 4], [4, size - 11]] as const) {
    for (const i of Array(7).keys()) expect([isDark(x + i, y), isDark(x, y + i)]).toEqual([true, true])
    expect(isDark(x + 1, y + 1)).toBe(false)
  }
  expect(Math.min(...dark.flat())).toBe(4)
  expect(Math.max(...dark.flat())).toBe(size - 5)
})
