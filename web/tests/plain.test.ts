import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { plainText } from '../src/material/plain'

function block(name: string, ...children: (string | Y.XmlElement)[]): Y.XmlElement {
  const element = new Y.XmlElement(name)
  element.insert(0, children.map((child) => (typeof child === 'string' ? new Y.XmlText(child) : child)))
  return element
}

test('the text keeps one line per block and per break, without the marks', () => {
  const fragment = new Y.Doc().getXmlFragment('body')
  const list = block('bulletList', block('listItem', block('paragraph', 'one')), block('listItem', block('paragraph', 'two')))
  fragment.insert(0, [block('heading', 'Cells'), list, block('paragraph', 'a', new Y.XmlElement('hardBreak'), 'b')])
  const text = (fragment.get(0) as Y.XmlElement).get(0) as Y.XmlText
  text.format(0, 2, { bold: {} })

  expect(plainText(fragment)).toBe('Cells\none\ntwo\na\nb')
})
