/** What the toolbar offers, in order. */
import type { Editor } from '@tiptap/core'
import type { IconName } from '../page/icons'

export interface Button {
  label: string
  icon: IconName
  /** Shortcut; `Mod` is Ctrl or Cmd. */
  keys?: string
  /** Whether the selection has it; absent for buttons that only act. */
  isActive?(editor: Editor): boolean
  canRun?(editor: Editor): boolean
  run(editor: Editor): void
}

export const history: Button[] = [
  { label: 'Undo', icon: 'undo', keys: 'Mod+Z', canRun: (e) => e.can().undo(), run: (e) => e.chain().focus().undo().run() },
  { label: 'Redo', icon: 'redo', keys: 'Mod+Shift+Z', canRun: (e) => e.can().redo(), run: (e) => e.chain().focus().redo().run() },
]

function mark(name: string, label: string, icon: IconName, keys: string): Button {
  return {
    label,
    icon,
    keys,
    isActive: (editor) => editor.isActive(name),
    run: (editor) => editor.chain().focus().toggleMark(name).run(),
  }
}

export const marks: Button[] = [
  mark('bold', 'Bold', 'bold', 'Mod+B'),
  mark('italic', 'Italic', 'italic', 'Mod+I'),
  mark('underline', 'Underline', 'underline', 'Mod+U'),
  mark('strike', 'Strikethrough', 'strike', 'Mod+Shift+S'),
  mark('highlight', 'Highlight', 'highlight', 'Mod+Shift+H'),
  mark('code', 'Code', 'code', 'Mod+E'),
]

export const blocks: Button[] = [
  { label: 'Bullet list', icon: 'bullets', keys: 'Mod+Shift+8', isActive: (e) => e.isActive('bulletList'), run: (e) => e.chain().focus().toggleBulletList().run() },
  { label: 'Numbered list', icon: 'numbers', keys: 'Mod+Shift+7', isActive: (e) => e.isActive('orderedList'), run: (e) => e.chain().focus().toggleOrderedList().run() },
  { label: 'Task list', icon: 'tasks', keys: 'Mod+Shift+9', isActive: (e) => e.isActive('taskList'), run: (e) => e.chain().focus().toggleTaskList().run() },
  { label: 'Quote', icon: 'quote', keys: 'Mod+Shift+B', isActive: (e) => e.isActive('blockquote'), run: (e) => e.chain().focus().toggleBlockquote().run() },
  { label: 'Code block', icon: 'codeblock', keys: 'Mod+Alt+C', isActive: (e) => e.isActive('codeBlock'), run: (e) => e.chain().focus().toggleCodeBlock().run() },
  { label: 'Divider', icon: 'rule', run: (e) => e.chain().focus().setHorizontalRule().run() },
]

/** Paragraph (0) and the heading levels, for the block menu. */
export const TEXT_STYLES = ['Text', 'Heading 1', 'Heading 2', 'Heading 3', 'Heading 4'] as const

export function textStyle(editor: Editor): number {
  return editor.isActive('heading') ? Number(editor.getAttributes('heading')['level']) : 0
}

export function setTextStyle(editor: Editor, style: number): void {
  const chain = editor.chain().focus()
  if (style === 0) chain.setParagraph().run()
  else chain.setHeading({ level: style as 1 | 2 | 3 | 4 }).run()
}

const IS_MAC = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.platform)

/** A shortcut as this keyboard names its keys. */
export function spell(keys: string): string {
  return IS_MAC ? keys.replace('Mod', '⌘').replace('Shift', '⇧').replace('Alt', '⌥').replaceAll('+', '') : keys.replace('Mod', 'Ctrl')
}
