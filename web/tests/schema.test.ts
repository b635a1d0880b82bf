/** The editor's schema is a part of the shared one: what the editor does not know, it would delete. */
import { getSchema } from '@tiptap/core'
import type { AttributeSpec } from '@tiptap/pm/model'
import { expect, test } from 'vitest'
import shared from '../../collab/materials/schema.json'
import { content } from '../src/editor/schema'
import { SCHEMA } from '../src/material/material.svelte'

interface Attribute {
  type: string
  default?: unknown
  values?: unknown[]
}

interface NodeShape {
  group?: string
  content?: string
  marks?: string
  attrs?: Record<string, Attribute>
}

interface MarkShape {
  excludes: string
  attrs?: Record<string, Attribute>
}

const schema = getSchema(content)
const nodes = shared.nodes as Record<string, NodeShape>
const marks = shared.marks as Record<string, MarkShape>
const words = (text: string | undefined): string[] => (text ?? '').split(' ').filter(Boolean).sort()

function expectSameAttributes(mine: Record<string, AttributeSpec> | undefined, theirs: Record<string, Attribute> | undefined): void {
  expect(Object.keys(mine ?? {}).sort()).toEqual(Object.keys(theirs ?? {}).sort())
  for (const [name, spec] of Object.entries(mine ?? {})) expect(spec.default).toEqual(theirs?.[name]?.default)
}

test('the versions agree', () => {
  expect(SCHEMA).toBe(shared.schema)
})

test.each(Object.keys(schema.nodes))('node %s is that of the shared schema', (name) => {
  const mine = schema.nodes[name]?.spec
  const theirs = nodes[name]
  expect(theirs).toBeDefined()
  expect(words(mine?.group)).toEqual(words(theirs?.group))
  expect(mine?.content ?? '').toBe(theirs?.content ?? '')
  expectSameAttributes(mine?.attrs, theirs?.attrs)
})

test.each(Object.keys(schema.marks))('mark %s is that of the shared schema', (name) => {
  const mine = schema.marks[name]
  const theirs = marks[name]
  expect(theirs).toBeDefined()
  const known = words(theirs?.excludes).filter((other) => other in schema.marks)
  expect(known).toEqual(Object.keys(schema.marks).filter((other) => mine?.excludes(schema.marks[other]!)).sort())
  expectSameAttributes(mine?.spec.attrs, theirs?.attrs)
})

test('no node takes marks that the shared schema forbids there', () => {
  for (const [name, type] of Object.entries(schema.nodes)) {
    const allowed = nodes[name]?.marks
    if (allowed === undefined) continue
    const mine = Object.values(schema.marks).filter((mark) => type.allowsMarkType(mark))
    for (const mark of mine) expect(words(allowed)).toContain(mark.name)
  }
})

test('the heading levels are the allowed ones', () => {
  const heading = content.find((extension) => extension.name === 'heading')
  expect((heading?.options as { levels: number[] }).levels).toEqual(shared.nodes.heading.attrs.level.values)
})

test('every content rule of the shared schema names nodes or groups that exist', () => {
  const groups = Object.values(nodes).flatMap((node) => words(node.group))
  const known = new Set([...Object.keys(nodes), ...groups])
  for (const node of Object.values(nodes)) {
    for (const [name] of (node.content ?? '').matchAll(/\w+/g)) expect(known).toContain(name)
    for (const mark of words(node.marks)) expect(Object.keys(marks)).toContain(mark)
  }
})

test('every default of the shared schema is an allowed value', () => {
  for (const { attrs } of [...Object.values(nodes), ...Object.values(marks)]) {
    for (const { values, default: fallback } of Object.values(attrs ?? {})) {
      if (values && fallback !== undefined) expect(values).toContain(fallback)
    }
  }
})
