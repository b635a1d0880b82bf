// Yjs as the oracle: each line on stdin is `{updates: [base64, ...]}`, each answer what a fresh document
// shows after applying them in that order (see view.mjs), or `{error}`.

import { createInterface } from 'node:readline'
import * as Y from 'yjs'
import { view } from './view.mjs'

const show = (updates) => {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, Buffer.from(update, 'base64'))
  return view(doc)
}

createInterface({ input: process.stdin }).on('line', (line) => {
  let answer
  try {
    answer = show(JSON.parse(line).updates)
  } catch (error) {
    answer = { error: String(error) }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
})
