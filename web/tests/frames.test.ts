import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as frames from '../src/sync/frames'

const bytes = fc.uint8Array({ maxLength: 300 })

test('every sync message survives a round trip', () => {
  fc.assert(
    fc.property(bytes, (payload) => {
      expect(frames.decode(frames.encodeStep1(payload))).toEqual({ kind: 'step1', vector: payload })
      expect(frames.decode(frames.encodeStep2(payload))).toEqual({ kind: 'step2', update: payload })
      expect(frames.decode(frames.encodeUpdate(payload))).toEqual({ kind: 'update', update: payload })
      expect(frames.decode(frames.encodePresence(payload))).toEqual({ kind: 'presence', payload })
    }),
  )
})

test('control messages carry any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (reason) => {
      const message = { type: 'error', reason }
      expect(frames.decode(frames.encodeControl(message))).toEqual({ kind: 'control', message })
    }),
  )
})

test('the bytes are those of y-websocket', () => {
  expect([...frames.encodeStep1(new Uint8Array([0]))]).toEqual([0, 0, 1, 0])
  expect([...frames.encodeUpdate(new Uint8Array([7, 8]))]).toEqual([0, 2, 2, 7, 8])
  expect([...frames.encodeControl({ type: 'a' })].slice(0, 2)).toEqual([100, 12])
  expect(frames.decode(new Uint8Array([1, 1, 0]))).toEqual({ kind: 'presence', payload: new Uint8Array([0]) })
  expect(frames.decode(new Uint8Array([3]))).toEqual({ kind: 'query-presence' })
})

test('messages of a newer server are passed over', () => {
  expect(frames.decode(new Uint8Array([55, 1, 2]))).toEqual({ kind: 'unknown' })
  expect(frames.decode(new Uint8Array([0, 9, 0]))).toEqual({ kind: 'unknown' })
})

test('random bytes are read or refused, never anything else', () => {
  const kinds = ['step1', 'step2', 'update', 'presence', 'query-presence', 'control', 'unknown']
  fc.assert(
    fc.property(bytes, (noise) => {
      let frame: frames.Frame
      try {
        frame = frames.decode(noise)
      } catch (error) {
        expect(error).toBeInstanceOf(Error)
        return
      }
      expect(kinds).toContain(frame.kind)
    }),
  )
})
