// What a document shows, as JSON: the roots that the tests use, the state vector and the whole state.

import * as Y from 'yjs'

const base64 = (bytes) => Buffer.from(bytes).toString('base64')

export const view = (doc) => ({
  text: doc.getText('text').toString(),
  delta: doc.getText('text').toDelta(),
  map: doc.getMap('map').toJSON(),
  array: doc.getArray('array').toJSON(),
  xml: doc.getXmlFragment('xml').toString(),
  clocks: Object.fromEntries(Y.decodeStateVector(Y.encodeStateVector(doc))),
  pending: doc.store.pendingStructs !== null || doc.store.pendingDs !== null,
  update: base64(Y.encodeStateAsUpdate(doc))
})
