import { expect, test } from 'vitest'
import { isSafeLink, toLink } from '../src/editor/href'

test.each(['https://a.example/b?c#d', 'http://a.example', 'mailto:ada@a.example'])('%s is a link', (href) => {
  expect(isSafeLink(href)).toBe(true)
})

test.each([
  'javascript:alert(1)', ' javascript:alert(1)', 'JaVaScRiPt:alert(1)', 'java\nscript:alert(1)', 'java\tscript:alert(1)',
  '\u0001javascript:alert(1)', 'data:text/html,<script>alert(1)</script>', 'vbscript:x', 'file:///etc/passwd', 'blob:https://a/b',
  '//a.example', '/relative', '', null, 5,
])('%o is not', (href) => {
  expect(isSafeLink(href)).toBe(false)
})

test.each([
  ['a.example/path', 'https://a.example/path'],
  [' https://a.example ', 'https://a.example'],
  ['ada@a.example', 'mailto:ada@a.example'],
  ['javascript:alert(1)', null],
  ['two words', null],
  ['word', null],
])('typing "%s" gives %o', (typed, href) => {
  expect(toLink(typed)).toBe(href)
})
