import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoff, DRAIN, tokenVerdict, verdict } from '../src/sync/closing'

test.each([
  [4400, 'malformed'],
  [4403, 'forbidden'],
  [1009, 'refused'],
  [4413, 'refused'],
  [4422, 'refused'],
  [4499, 'malformed'],
  [4500, 'retry'],
  [4501, 'refresh'],
  [4503, 'retry'],
  [4529, 'retry'],
  [1006, 'retry'],
  [1012, 'retry'],
] as const)('close code %i means %s', (code, expected) => {
  expect(verdict(code, true)).toBe(expected)
  expect(verdict(code, false)).toBe(expected)
})

test('a token kept from earlier is replaced once before its bearer counts as signed out', () => {
  expect(verdict(4401, false)).toBe('refresh')
  expect(verdict(4401, true)).toBe('signed-out')
})

test('a token request that nobody answers is tried again', () => {
  expect([0, 429, 500, 503].map(tokenVerdict)).toEqual(['retry', 'retry', 'retry', 'retry'])
  expect([401, 403, 404, 422].map(tokenVerdict)).toEqual(['signed-out', 'forbidden', 'missing', 'malformed'])
})

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

test('the wait grows with each failure, is spread, and stays under 15 s', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.constantFrom(1006, DRAIN, 4503, 4529), chance, (failures, code, random) => {
      const wait = backoff(failures, code, random)
      expect(wait).toBeGreaterThanOrEqual(0)
      expect(wait).toBeLessThanOrEqual(15_000)
      expect(backoff(failures + 1, 1006, random)).toBeGreaterThanOrEqual(backoff(failures, 1006, random))
    }),
  )
  expect(backoff(3, 1006, 0)).toBeLessThan(backoff(3, 1006, 0.9))
})

test('a busy server is given more time', () => {
  expect(backoff(1, 4503, 0.5)).toBeGreaterThan(backoff(1, 1006, 0.5))
})
