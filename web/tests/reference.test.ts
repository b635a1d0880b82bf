import { expect, test } from 'vitest'
import { example, operations, request, type ApiDocument, type Operation } from '../src/reference/document'

const API: ApiDocument = {
  info: { title: 'T', description: 'D' },
  servers: [{ url: '/api/v1' }],
  paths: {
    '/tabs/{tab}': {
      patch: {
        operationId: 'rename_tab',
        tags: ['tabs'],
        'x-rule': 'account',
        parameters: [
          { name: 'tab', in: 'path', required: true },
          { name: 'after', in: 'query' },
          { name: 'Idempotency-Key', in: 'header' },
        ],
        requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Rename' } } } },
      },
    },
    '/tabs': { get: { operationId: 'list_tabs' } },
  },
  components: {
    schemas: {
      Kind: { type: 'string', enum: ['guide', 'flashcards'] },
      Rename: {
        required: ['title', 'kind', 'inner'],
        properties: {
          title: { type: 'string' },
          kind: { $ref: '#/components/schemas/Kind' },
          colour: { type: 'string' },
          inner: { anyOf: [{ type: 'array' }, { type: 'null' }] },
        },
      },
      Endless: { required: ['self'], properties: { self: { $ref: '#/components/schemas/Endless' } } },
    },
  },
}
const [rename, list] = operations(API) as [Operation, Operation]

test('operations come with group, rule and an example of the body', () => {
  expect([rename.method, rename.group, rename.rule]).toEqual(['PATCH', 'tabs', 'account'])
  expect(JSON.parse(rename.body ?? '')).toEqual({ title: '', kind: 'guide', inner: [] })
  expect([list.group, list.body]).toEqual(['other', null])
})

test('a schema that contains itself has an end', () => {
  expect(JSON.stringify(example({ $ref: '#/components/schemas/Endless' }, API))).toContain('self')
})

test('a call puts each value where it belongs and leaves out what is empty', () => {
  const { url, init } = request('/api/v1', rename, { tab: 'a/b?', after: 'x y', 'Idempotency-Key': '' }, '{}', 'T')
  expect(url).toBe('/api/v1/tabs/a%2Fb%3F?after=x+y')
  expect(init).toEqual({
    method: 'PATCH',
    body: '{}',
    headers: { accept: 'application/json', authorization: 'Bearer T', 'content-type': 'application/json' },
  })
})

test('a call without a body has none', () => {
  expect(request('', list, {}, 'ignored', '').init).toEqual({ method: 'GET', headers: { accept: 'application/json' } })
})
