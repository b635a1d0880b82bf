import { expect, test } from 'vitest'
import { pill, type Facts } from '../src/sync/pill'

const SAVED: Facts = {
  phase: 'open',
  reachable: true,
  connectedBefore: true,
  writable: true,
  frozen: '',
  waiting: 0,
  settled: true,
  unrecorded: false,
  level: 'synced',
}

const text = (facts: Partial<Facts>): string => pill({ ...SAVED, ...facts }).text

test('saved is told only when everything is acknowledged, with the level', () => {
  expect(text({})).toBe('Saved')
  expect(pill(SAVED).detail).toContain('disk')
  expect(text({ settled: false })).toBe('Saving…')
})

test.each<[Partial<Facts>, string]>([
  [{ reachable: false }, 'Offline'],
  [{ reachable: false, waiting: 1 }, 'Offline, 1 edit waiting'],
  [{ reachable: false, waiting: 12, phase: 'waiting' }, 'Offline, 12 edits waiting'],
  [{ phase: 'waiting' }, 'Reconnecting…'],
  [{ phase: 'connecting', waiting: 2 }, 'Reconnecting, 2 edits waiting'],
  [{ phase: 'connecting', connectedBefore: false, writable: null }, 'Connecting…'],
  [{ phase: 'waiting', connectedBefore: false, writable: null }, 'Reconnecting…'],
  [{ unrecorded: true }, 'Not saved yet'],
  [{ unrecorded: true, settled: false, waiting: 3 }, 'Not saved yet'],
  [{ writable: false }, 'Read-only'],
  [{ writable: false, frozen: 'exam' }, 'Frozen'],
  [{ writable: true, frozen: 'exam' }, 'Saved'],
  [{ phase: 'ended' }, 'Stopped'],
])('%o shows "%s"', (facts, expected) => {
  expect(text(facts)).toBe(expected)
})

test('no state but an open, writable, reachable and settled one shows "Saved"', () => {
  const phases: Facts['phase'][] = ['idle', 'connecting', 'open', 'waiting', 'ended']
  for (const phase of phases)
    for (const bits of Array(16).keys()) {
      const [reachable, writable, settled, unrecorded] = [1, 2, 4, 8].map((bit) => (bits & bit) > 0) as [boolean, boolean, boolean, boolean]
      const isSaved = phase === 'open' && reachable && writable && settled && !unrecorded
      expect(text({ phase, reachable, writable, settled, unrecorded }) === 'Saved').toBe(isSaved)
    }
})
