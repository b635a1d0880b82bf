/** Other people's carets and selections. Names enter as text nodes, colours as checked hex digits. */
import type { DecorationAttrs } from '@tiptap/pm/view'
import { readPerson } from '../people/people'

const SELECTION_ALPHA = '33' // 20 % in hex

export function renderCaret(user: unknown): HTMLElement {
  const person = readPerson(user)
  const caret = document.createElement('span')
  caret.className = 'caret'
  caret.setAttribute('aria-hidden', 'true')
  if (!person) return caret
  caret.dataset['kind'] = person.kind
  caret.style.setProperty('--person', person.color)
  const label = document.createElement('span')
  label.className = 'caret-name'
  label.textContent = person.name
  caret.append(label)
  return caret
}

export function renderSelection(user: unknown): DecorationAttrs {
  const person = readPerson(user)
  return person ? { class: 'remote-selection', style: `background-color: ${person.color}${SELECTION_ALPHA}` } : {}
}
