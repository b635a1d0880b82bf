/** The link mark: only safe addresses enter, from typing, pasting, HTML or other people. */
import { InputRule, Mark, markPasteRule } from '@tiptap/core'
import { Plugin } from '@tiptap/pm/state'
import type { EditorView } from '@tiptap/pm/view'
import { isSafeLink, toLink, WEB_ADDRESS } from './href'

const MARKDOWN = /\[([^[\]]+)\]\(([^()\s]+)\)$/
const TYPED = new RegExp(`(?:^|[\\s(])(${WEB_ADDRESS.source})[.,;:!?)]* $`)
const PASTED = new RegExp(WEB_ADDRESS.source, 'g')

export const Link = Mark.create({
  name: 'link',
  priority: 1000,
  keepOnSplit: false,
  inclusive: false,

  addAttributes() {
    return { href: { default: null } }
  },

  parseHTML() {
    return [{ tag: 'a[href]', getAttrs: (element) => isSafeLink(element.getAttribute('href')) && null }]
  },

  renderHTML({ HTMLAttributes }) {
    const { href } = HTMLAttributes as { href: unknown }
    if (!isSafeLink(href)) return ['span', { class: 'unsafe-link' }, 0]
    return ['a', { href, target: '_blank', rel: 'noopener noreferrer nofollow' }, 0]
  },

  addInputRules() {
    const { type } = this
    const markdown = new InputRule({
      find: MARKDOWN,
      handler: ({ state, range, match: [, text = '', address = ''] }) => {
        const href = toLink(address)
        if (href) state.tr.replaceWith(range.from, range.to, state.schema.text(text, [type.create({ href })]))
      },
    })
    const typed = new InputRule({
      find: TYPED,
      handler: ({ state, range, match: [whole, href = ''] }) => {
        const from = range.from + whole.indexOf(href)
        state.tr.addMark(from, from + href.length, type.create({ href })).insertText(' ', range.to)
      },
    })
    return [markdown, typed]
  },

  addPasteRules() {
    return [markPasteRule({ find: PASTED, type: this.type, getAttributes: ([href]) => ({ href }) })]
  },

  addProseMirrorPlugins() {
    return [new Plugin({ props: { handlePaste: linkSelection } })]
  },
})

/** An address pasted over selected words makes them a link. */
function linkSelection(view: EditorView, event: ClipboardEvent): boolean {
  const { from, to, empty } = view.state.selection
  const pasted = event.clipboardData?.getData('text/plain').trim() ?? ''
  if (empty || !isSafeLink(pasted)) return false
  view.dispatch(view.state.tr.addMark(from, to, view.state.schema.mark('link', { href: pasted })))
  return true
}
