import { afterEach, beforeEach, expect, test } from 'vitest'
import { Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { followId, takeNewId } from '../src/sync/identity'

let doc: Y.Doc
let awareness: Awareness

beforeEach(() => {
  doc = new Y.Doc()
  awareness = new Awareness(doc)
  awareness.setLocalState({ user: 'Ada' })
})

afterEach(() => doc.destroy())

test('a new id is taken with the presence, and nothing written is lost', () => {
  const old = doc.clientID
  doc.getText('t').insert(0, 'old ')
  takeNewId(doc, awareness)
  doc.getText('t').insert(4, 'new')
  expect(doc.clientID).not.toBe(old)
  expect([...awareness.getStates()]).toEqual([[doc.clientID, { user: 'Ada' }]])
  expect([...Y.decodeStateVector(Y.encodeStateVector(doc)).keys()].sort()).toEqual([old, doc.clientID].sort())
  expect(doc.getText('t').toString()).toBe('old new')
})

test('presence follows when another replica writes with the same id', () => {
  const twin = new Y.Doc()
  twin.clientID = doc.clientID
  twin.getText('t').insert(0, 'x')
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(twin))
  expect(doc.clientID).not.toBe(twin.clientID)
  followId(doc, awareness)
  expect(awareness.clientID).toBe(doc.clientID)
  expect(() => encodeAwarenessUpdate(awareness, [doc.clientID])).not.toThrow()
})

test('who left stays away under the new id', () => {
  awareness.setLocalState(null)
  takeNewId(doc, awareness)
  expect(awareness.getStates().size).toBe(0)
})
