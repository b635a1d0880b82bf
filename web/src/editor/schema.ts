/**
 * The content that this page can edit: TipTap extensions whose schema is a part of
 * `collab/materials/schema.json` (a test compares them). What is not in it, the editor would delete.
 */
import { getSchema, type Extensions } from '@tiptap/core'
import { Blockquote } from '@tiptap/extension-blockquote'
import { Bold } from '@tiptap/extension-bold'
import { Code } from '@tiptap/extension-code'
import { CodeBlock } from '@tiptap/extension-code-block'
import { Document } from '@tiptap/extension-document'
import { HardBreak } from '@tiptap/extension-hard-break'
import { Heading } from '@tiptap/extension-heading'
import { Highlight } from '@tiptap/extension-highlight'
import { HorizontalRule } from '@tiptap/extension-horizontal-rule'
import { Italic } from '@tiptap/extension-italic'
import { BulletList, ListItem, ListKeymap, OrderedList, TaskItem, TaskList } from '@tiptap/extension-list'
import { Paragraph } from '@tiptap/extension-paragraph'
import { Strike } from '@tiptap/extension-strike'
import { Text } from '@tiptap/extension-text'
import { Underline } from '@tiptap/extension-underline'
import { Link } from './link'

const HeadingWithId = Heading.extend({
  addAttributes() {
    const id = { default: null, keepOnSplit: false, parseHTML: () => null, renderHTML: () => ({}) }
    return { ...this.parent?.(), id }
  },
})

const PlainOrderedList = OrderedList.extend({
  addAttributes() {
    const { start } = { start: {}, ...this.parent?.() }
    return { start }
  },
})

// Code keeps its links and comments; a mark that allows itself twice would be stored under another name.
const CodeWithLinks = Code.extend({ excludes: 'bold code highlight italic strike underline' })

const ToneHighlight = Highlight.extend({
  addAttributes() {
    return {
      tone: {
        default: 'yellow',
        parseHTML: (element) => element.dataset['tone'] ?? 'yellow',
        renderHTML: ({ tone }) => ({ 'data-tone': String(tone) }),
      },
    }
  },
})

// Neither a trailing node, for which every open page would append a paragraph of its own, nor ProseMirror's
// undo, which would take back what others wrote.
export const content: Extensions = [
  Document,
  Paragraph,
  Text,
  HeadingWithId.configure({ levels: [1, 2, 3, 4] }),
  BulletList,
  PlainOrderedList,
  ListItem,
  TaskList,
  TaskItem.configure({ nested: true, a11y: { checkboxLabel: () => 'Done' } }),
  ListKeymap,
  Blockquote,
  CodeBlock,
  HorizontalRule,
  HardBreak,
  Bold,
  Italic,
  Underline,
  Strike,
  CodeWithLinks,
  ToneHighlight,
  Link,
]

const schema = getSchema(content)

/** Names of all nodes and marks that the editor can hold. */
export const known = { nodes: new Set(Object.keys(schema.nodes)), marks: new Set(Object.keys(schema.marks)) }
