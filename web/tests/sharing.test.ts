import { expect, test, vi } from 'vitest'
import { endOf, links, shares } from '../src/account/sharing'

const asked = vi.hoisted(() => ({ answer: [] as object[] }))
vi.mock('../src/account/server', () => ({ mine: async () => asked.answer }))

const NOW = 1_000_000

test('only links that still open something are shown', async () => {
  asked.answer = [
    { id: 'open', revoked: null, expires: null },
    { id: 'later', revoked: null, expires: NOW + 1 },
    { id: 'over', revoked: null, expires: NOW },
    { id: 'ended', revoked: 1, expires: null },
  ]
  expect((await links('/tabs/t', NOW)).map(({ id }) => id)).toEqual(['open', 'later'])
})

test('only roles that still count are shown', async () => {
  asked.answer = [{ id: 'a', expires: null }, { id: 'b', expires: NOW + 1 }, { id: 'c', expires: NOW - 1 }]
  expect((await shares('/tabs/t', NOW)).map(({ id }) => id)).toEqual(['a', 'b'])
})

test('what ends in days ends at a time, and what never ends at none', () => {
  expect(endOf(0, NOW)).toBeNull()
  expect(endOf(7, NOW)).toBe(NOW + 7 * 86_400_000)
})
