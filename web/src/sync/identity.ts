/** The client id under which a document writes, and its presence is shown. */
import * as random from 'lib0/random'
import { removeAwarenessStates, type Awareness } from 'y-protocols/awareness'
import type * as Y from 'yjs'

/** Goes on under another id: this one is somebody else's. What was written under it stays as it is. */
export function takeNewId(doc: Y.Doc, awareness: Awareness): void {
  doc.clientID = random.uint32()
  followId(doc, awareness)
}

/** Shows presence under the document's id, which Yjs changes itself where another replica writes with it. */
export function followId(doc: Y.Doc, awareness: Awareness): void {
  if (awareness.clientID === doc.clientID) return
  const state = awareness.getLocalState()
  removeAwarenessStates(awareness, [awareness.clientID], 'identity')
  awareness.clientID = doc.clientID
  awareness.setLocalState(state)
}
