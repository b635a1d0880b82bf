/** The text of a rich fragment, one block a line: what people copy when nothing else can be saved. Pure. */
import * as Y from 'yjs'

export function plainText(fragment: Y.XmlFragment): string {
  return fragment
    .toArray()
    .map((node) => (node instanceof Y.XmlElement ? blockText(node) : ''))
    .join('\n')
    .trim()
}

function blockText(element: Y.XmlElement): string {
  const children = element.toArray()
  const isTextBlock = children.some((child) => child instanceof Y.XmlText)
  return children.map(nodeText).join(isTextBlock ? '' : '\n')
}

function nodeText(node: unknown): string {
  if (node instanceof Y.XmlText) {
    return (node.toDelta() as { insert: unknown }[])
      .map((run) => (typeof run.insert === 'string' ? run.insert : ''))
      .join('')
  }
  if (!(node instanceof Y.XmlElement)) return ''
  return node.nodeName === 'hardBreak' ? '\n' : blockText(node)
}
