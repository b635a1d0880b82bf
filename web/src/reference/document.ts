/** The parts of an OpenAPI 3.1 document that the reference shows. Pure. */

export interface Schema {
  $ref?: string
  type?: string
  enum?: unknown[]
  const?: unknown
  default?: unknown
  anyOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
}

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  description?: string
}

export interface Operation {
  id: string
  method: string
  path: string
  group: string
  description: string
  /** Who may call it. */
  rule: string
  parameters: Parameter[]
  /** An example of the body, as text; null where there is none. */
  body: string | null
}

interface Described {
  operationId: string
  tags?: string[]
  description?: string
  'x-rule'?: string
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema: Schema } | undefined> }
}

export interface ApiDocument {
  info: { title: string; description: string }
  servers: { url: string }[]
  paths: Record<string, Record<string, Described>>
  components: { schemas: Record<string, Schema> }
}

const DEEPEST = 5 // levels of an example: a schema may contain itself

/** All operations, in the order of the document. */
export function operations(document: ApiDocument): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => {
      const schema = described.requestBody?.content['application/json']?.schema
      return {
        id: described.operationId,
        method: method.toUpperCase(),
        path,
        group: described.tags?.[0] ?? 'other',
        description: described.description ?? '',
        rule: described['x-rule'] ?? '',
        parameters: described.parameters ?? [],
        body: schema ? JSON.stringify(example(schema, document), null, 2) : null,
      }
    }),
  )
}

/** A value of the schema's form, with its required properties only. */
export function example(schema: Schema, document: ApiDocument, depth = 0): unknown {
  if (schema.$ref) {
    const target = document.components.schemas[schema.$ref.split('/').at(-1) ?? '']
    return target && depth < DEEPEST ? example(target, document, depth + 1) : {}
  }
  if (schema.default !== undefined) return schema.default
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  if (schema.anyOf) return example(schema.anyOf[0] ?? {}, document, depth)
  if (schema.properties) {
    const required = schema.required ?? []
    const shown = Object.entries(schema.properties).filter(([name]) => required.includes(name))
    return Object.fromEntries(shown.map(([name, inner]) => [name, example(inner, document, depth + 1)]))
  }
  const simple: Record<string, unknown> = { string: '', integer: 0, number: 0, boolean: false, array: [], object: {} }
  return simple[schema.type ?? ''] ?? null
}

/** What `fetch` takes to call an operation. Parameters that are left empty are left out. */
export function request(
  base: string,
  operation: Operation,
  values: Record<string, string>,
  body: string,
  token: string,
): { url: string; init: RequestInit } {
  let path = operation.path
  const query = new URLSearchParams()
  const headers: Record<string, string> = { accept: 'application/json' }
  for (const { name, in: place } of operation.parameters) {
    const value = values[name] ?? ''
    if (place === 'path') path = path.replace(`{${name}}`, encodeURIComponent(value))
    else if (value && place === 'query') query.set(name, value)
    else if (value) headers[name] = value
  }
  if (token) headers['authorization'] = `Bearer ${token}`
  if (operation.body !== null) headers['content-type'] = 'application/json'
  const search = query.size ? `?${query}` : ''
  const init: RequestInit = { method: operation.method, headers }
  if (operation.body !== null) init.body = body
  return { url: `${base}${path}${search}`, init }
}
