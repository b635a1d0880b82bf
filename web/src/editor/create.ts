/** Builds the editor of one material. */
import { Editor } from '@tiptap/core'
import { Collaboration } from '@tiptap/extension-collaboration'
import { CollaborationCaret } from '@tiptap/extension-collaboration-caret'
import { Dropcursor } from '@tiptap/extensions/drop-cursor'
import { Gapcursor } from '@tiptap/extensions/gap-cursor'
import { Placeholder } from '@tiptap/extensions/placeholder'
import type { EditorView } from '@tiptap/pm/view'
import type { Material } from '../material/material.svelte'
import { renderCaret, renderSelection } from './carets'
import { isSafeLink } from './href'
import { content } from './schema'

const INVITATION = 'Start writing, or paste your notes. “# ” makes a heading, “- ” a list, “[] ” a task.'

export function createEditor(element: HTMLElement, material: Material): Editor {
  return new Editor({
    element,
    editable: material.isWritable,
    extensions: [
      ...content,
      Dropcursor.configure({ color: 'var(--accent)', width: 2 }),
      Gapcursor,
      Placeholder.configure({ placeholder: () => (material.isWritable ? INVITATION : 'Nothing here yet.') }),
      Collaboration.configure({ fragment: material.body }),
      CollaborationCaret.configure({
        provider: { awareness: material.awareness },
        user: material.awareness.getLocalState()?.['user'] ?? {},
        render: renderCaret,
        selectionRender: renderSelection,
      }),
    ],
    editorProps: {
      attributes: { 'aria-label': 'Study guide text', 'aria-multiline': 'true', role: 'textbox', spellcheck: 'true' },
      handleClick: (_view, _position, event) => followLink(event),
      handleKeyDown: leaveOnEscape,
    },
  })
}

/** In an editable text a link opens with Ctrl or Cmd, as elsewhere. */
function followLink(event: MouseEvent): boolean {
  if (!event.ctrlKey && !event.metaKey) return false
  const href = (event.target as Element).closest('a')?.getAttribute('href')
  if (!isSafeLink(href)) return false
  window.open(href, '_blank', 'noopener,noreferrer')
  return true
}

/** Tab indents inside lists, so Escape is the keyboard's way out; Alt+F10 goes to the toolbar. */
function leaveOnEscape(view: EditorView, event: KeyboardEvent): boolean {
  if (event.key === 'F10' && event.altKey) {
    document.querySelector<HTMLElement>('[role=toolbar] [tabindex="0"]')?.focus()
    return true
  }
  if (event.key !== 'Escape') return false
  view.dom.blur()
  return true
}
