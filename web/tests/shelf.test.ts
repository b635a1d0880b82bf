import { expect, test, vi } from 'vitest'
import { itemsIn, owned, type Item } from '../src/account/shelf'

const asked = vi.hoisted(() => [] as string[])
vi.mock('../src/account/server', () => ({
  mine: async (_method: string, path: string) => {
    asked.push(path)
    return path.endsWith('after=') ? { items: [{ id: 'a' }], next: 'a&b' } : { items: [{ id: 'c' }], next: null }
  },
}))

const item = (id: string, tab: string | null, position: number): Item =>
  ({ id, tab, position, title: '', kind: 'guide', frozen: '' })

test('a tab shows its own guides in their order, and those of no tab stand apart', () => {
  const items = [item('late', 't', 2), item('loose', null, 0), item('early', 't', 0), item('other', 'u', 1)]
  expect(itemsIn(items, 't').map(({ id }) => id)).toEqual(['early', 'late'])
  expect(itemsIn(items, null).map(({ id }) => id)).toEqual(['loose'])
})

test('a long list is read to its end', async () => {
  expect((await owned()).map(({ id }) => id)).toEqual(['a', 'c'])
  expect(asked).toEqual(['/me/materials?limit=200&after=', '/me/materials?limit=200&after=a%26b'])
})
