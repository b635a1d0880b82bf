import { expect, test } from 'vitest'
import { COLOURS, initials, pickColour, readColour, readPeople, readPerson } from '../src/people/people'

test('a colour is six hex digits or neutral, so that no style can be smuggled in', () => {
  expect(readColour('#2F5BEA')).toBe('#2F5BEA')
  for (const bad of ['red;background:url(x)', '#fff', 7, null, '#12345g']) expect(readColour(bad)).toBe('#475569')
})

test('a state without a usable user shows as a guest or not at all', () => {
  expect(readPerson(null)).toBeNull()
  expect(readPerson('x')).toBeNull()
  expect(readPerson({ name: '   ' })).toMatchObject({ name: 'Guest', kind: 'human' })
  expect(readPerson({ name: 'a'.repeat(500) })?.name).toHaveLength(60)
  expect(readPerson({ kind: 'ai', name: 'Tutor' })).toMatchObject({ kind: 'ai' })
})

test('a person with two pages open is shown once, and oneself never', () => {
  const states = new Map([
    [1, { user: { id: 'me', name: 'Me' } }],
    [2, { user: { id: 'a', name: 'Ada' } }],
    [3, { user: { id: 'a', name: 'Ada' } }],
    [4, { user: { id: 'me', name: 'Me' } }],
    [5, {}],
    [6, { user: { id: '', name: 'Nameless' } }],
  ])
  expect(readPeople(states, 1, 'me').map((person) => person.name)).toEqual(['Ada', 'Nameless'])
})

test('a colour belongs to a person and gives way to one that is taken', () => {
  const first = pickColour('ada', new Set())
  expect(pickColour('ada', new Set())).toBe(first)
  const second = pickColour('ada', new Set([first]))
  expect(second).not.toBe(first)
  expect(COLOURS).toContain(second)
  expect(COLOURS).toContain(pickColour('ada', new Set(COLOURS)))
})

test.each([
  ['Ada Lovelace', 'AL'],
  ['guest-otter', 'GO'],
  ['Zoë', 'Z'],
  ['😀 smile', '😀S'],
  ['', '?'],
])('the initials of "%s" are %s', (name, expected) => {
  expect(initials(name)).toBe(expected)
})
