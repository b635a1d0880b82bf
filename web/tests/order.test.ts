import fc from 'fast-check'
import { expect, test } from 'vitest'
import { COLOURS, css, moved } from '../src/account/order'

const lists = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 8 })

test('one moves by a step, and the others keep their order', () => {
  expect(moved(['a', 'b', 'c'], 2, -1)).toEqual(['a', 'c', 'b'])
  expect(moved(['a', 'b', 'c'], 0, 2)).toEqual(['b', 'c', 'a'])
})

test('nothing moves beyond an end', () => {
  expect(moved(['a', 'b'], 0, -1)).toEqual(['a', 'b'])
  expect(moved(['a', 'b'], 1, 1)).toEqual(['a', 'b'])
  expect(moved([], 0, 1)).toEqual([])
})

test('no move loses or invents a place, and each can be undone', () => {
  fc.assert(
    fc.property(lists, fc.nat(7), fc.integer({ min: -7, max: 7 }), (ids, at, step) => {
      const index = at % ids.length
      const order = moved(ids, index, step)
      expect([...order].sort()).toEqual([...ids].sort())
      const wasMoved = order[index + step] === ids[index]
      expect(wasMoved ? moved(order, index + step, -step) : order).toEqual(ids)
    }),
  )
})

test('a colour is shown as it is kept, and what is none is not shown', () => {
  expect(css('#A0b1C2')).toBe('#A0b1C2')
  expect(css('green')).toBe('var(--tab-green)')
  expect(['', 'nonsense', 'red;}', '#12345'].map(css)).toEqual(Array(4).fill('transparent'))
  expect(new Set(COLOURS).size).toBe(COLOURS.length)
})
