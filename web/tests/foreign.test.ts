import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { findForeign, findForeignIn } from '../src/material/foreign'

const KNOWN = { nodes: new Set(['paragraph', 'bulletList', 'listItem', 'hardBreak']), marks: new Set(['bold', 'comment']) }

function paragraph(text: string, mark?: string): Y.XmlElement {
  const run = new Y.XmlText()
  run.insert(0, text, mark ? { [mark]: {} } : {})
  return element('paragraph', run)
}

function element(name: string, ...children: (Y.XmlElement | Y.XmlText)[]): Y.XmlElement {
  const made = new Y.XmlElement(name)
  made.insert(0, children)
  return made
}

/** What the page finds before its observers run, when another replica makes `change`. */
function found(change: (body: Y.XmlFragment) => void): string | null {
  const [other, mine] = [new Y.Doc(), new Y.Doc()]
  other.getXmlFragment('body').insert(0, [element('bulletList', element('listItem', paragraph('old')))])
  mine.getXmlFragment('body')
  Y.applyUpdate(mine, Y.encodeStateAsUpdate(other))
  const results: (string | null)[] = [] // a change of marks is followed by a transaction that tidies up
  mine.on('beforeObserverCalls', (transaction: Y.Transaction) => results.push(findForeignIn(transaction, KNOWN)))
  change(other.getXmlFragment('body'))
  Y.applyUpdate(mine, Y.encodeStateAsUpdate(other, Y.encodeStateVector(mine)))
  const result = results.find((name) => name !== null) ?? null
  expect(results.length).toBeGreaterThan(0)
  expect(findForeign(mine.getXmlFragment('body'), KNOWN)).toBe(result)
  return result
}

const list = (body: Y.XmlFragment): Y.XmlElement => body.get(0) as Y.XmlElement

test('known content is let through', () => {
  expect(found((body) => body.insert(1, [paragraph('new', 'bold')]))).toBeNull()
  expect(found((body) => body.insert(0, [paragraph('said', 'comment--a1B2c3D+')]))).toBeNull()
})

test.each<[string, (body: Y.XmlFragment) => void]>([
  ['callout', (body) => body.insert(1, [element('callout', paragraph('new'))])],
  ['image', (body) => list(body).insert(1, [element('listItem', paragraph('x'), element('image'))])],
  ['glow', (body) => body.insert(0, [paragraph('text', 'glow')])],
])('%s is found wherever it comes in', (name, change) => {
  expect(found(change)).toBe(name)
})

test('a mark that comes over old text is found', () => {
  const change = (body: Y.XmlFragment): void => {
    const text = ((list(body).get(0) as Y.XmlElement).get(0) as Y.XmlElement).get(0) as Y.XmlText
    text.format(0, 2, { glow: {} })
  }
  expect(found(change)).toBe('glow')
})
