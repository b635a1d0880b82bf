/**
 * Content that this page does not know. The editor's binding would delete it from the shared document for
 * everybody, so the page has to notice it before the editor sees it, and stop.
 */
import * as Y from 'yjs'

/** Names of nodes and marks that the editor knows. */
export interface Known {
  nodes: ReadonlySet<string>
  marks: ReadonlySet<string>
}

/** The name of an unknown node or mark in `type` or below, null when all is known. */
export function findForeign(type: unknown, known: Known): string | null {
  if (type instanceof Y.XmlText) return foreignMark(type, known)
  if (!(type instanceof Y.XmlFragment)) return null
  if (type instanceof Y.XmlElement && !known.nodes.has(type.nodeName)) return type.nodeName
  return first(type.toArray(), (child) => findForeign(child, known))
}

/** The same for what `transaction` changed or added, to be asked before its observers run. */
export function findForeignIn(transaction: Y.Transaction, known: Known): string | null {
  return first([...transaction.changed.keys()], (type) => {
    if (!(type instanceof Y.XmlFragment)) return findForeign(type, known)
    return first(type.toArray(), (child) => (isNew(child, transaction) ? findForeign(child, known) : null))
  })
}

function foreignMark(text: Y.XmlText, known: Known): string | null {
  const runs = text.toDelta() as { attributes?: Record<string, unknown> }[]
  const names = runs.flatMap((run) => Object.keys(run.attributes ?? {}))
  // A mark that may overlap itself is stored with a hash behind its name.
  return names.map((name) => name.replace(/--.{8}$/, '')).find((name) => !known.marks.has(name)) ?? null
}

function isNew(type: { _item: Y.Item | null }, transaction: Y.Transaction): boolean {
  const id = type._item?.id
  return id !== undefined && id.clock >= (transaction.beforeState.get(id.client) ?? 0)
}

function first<Value>(values: Value[], find: (value: Value) => string | null): string | null {
  for (const value of values) {
    const found = find(value)
    if (found !== null) return found
  }
  return null
}
