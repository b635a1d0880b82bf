import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { difference, setText, shift } from '../src/material/text'

const words = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '😀', '🐀', 'é'), maxLength: 12 })

test('applying the difference gives the new text and splits no surrogate pair', () => {
  fc.assert(
    fc.property(words, words, (before, after) => {
      const change = difference(before, after)
      if (!change) {
        expect(before).toBe(after)
        return
      }
      const kept = [before.slice(0, change.index), before.slice(change.index + change.remove)]
      expect(kept[0] + change.insert + kept[1]).toBe(after)
      expect([...kept, change.insert].every((part) => part.isWellFormed())).toBe(true)
    }),
  )
})

test('two people who change the title at once both keep their letters', () => {
  const [one, two] = [new Y.Doc(), new Y.Doc()]
  one.getText('title').insert(0, 'Biology')
  Y.applyUpdate(two, Y.encodeStateAsUpdate(one))
  setText(one.getText('title'), 'Cell Biology')
  setText(two.getText('title'), 'Biology, week 3')
  Y.applyUpdate(two, Y.encodeStateAsUpdate(one))
  Y.applyUpdate(one, Y.encodeStateAsUpdate(two))

  expect(one.getText('title').toString()).toBe('Cell Biology, week 3')
  expect(two.getText('title').toString()).toBe('Cell Biology, week 3')
})

test('a caret behind a change moves with its text, one before it stays', () => {
  const change = { index: 3, remove: 2, insert: 'four' }
  expect([2, 3, 4, 5, 9].map((position) => shift(position, change))).toEqual([2, 3, 7, 7, 11])
})
