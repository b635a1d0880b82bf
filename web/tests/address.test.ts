import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeId, parseAddress, socketUrl } from '../src/material/address'

test('every id survives the way into an address and back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }).filter((id) => id.isWellFormed()), (id) => {
      expect(parseAddress(`/m/${encodeId(id)}`, '#k=abc')).toEqual({ id, key: 'abc' })
    }),
  )
})

test('an address may lack the capability', () => {
  expect(parseAddress('/m/x', '')).toEqual({ id: 'x', key: null })
})

test('other addresses name no material', () => {
  for (const path of ['/', '/m/', '/x/y', '/m/%E0%A4%A']) expect(parseAddress(path, '')).toBeNull()
})

test('the socket is next to the page, secure where the page is', () => {
  expect(socketUrl('https://a.example', 'course 1/week?')).toBe('wss://a.example/collab/course%201/week%3F')
  expect(socketUrl('http://localhost:8000', 'x')).toBe('ws://localhost:8000/collab/x')
})
