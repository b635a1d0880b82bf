// Unmodified y-websocket clients, driven by JSON lines.
//
// Each line on stdin is a command `{id, cmd, client, ...}`; each answer on stdout is `{id, ok, ...}` or
// `{id, error}`. `client` is a name of the caller's choice; one process holds many clients.
//
//   connect    {url, room, params?, protocols?}    a new document and provider
//   edit       {ops: [[op, root, ...], ...]}       one transaction, see `operations`
//   scramble   {seed, count}                       random edits on all roots, one transaction each
//   state      {}                                  what the document shows, and the connection's state
//   presence   {state}                             show a state; null clears it
//   awareness  {}                                  who is here, this client included
//   offline    {} / online {}                      disconnect and connect, as an application does
//   destroy    {}                                  cut the socket without a closing handshake
//   leave      {}                                  destroy the provider and the document
//   quit       {}                                  end the process

import { createInterface } from 'node:readline'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { view } from './view.mjs'

const clients = new Map()

// Positions count UTF-16 code units, as everywhere in Yjs; `at` beyond the end means the end.
const operations = {
  insert: (doc, root, at, text) => doc.getText(root).insert(Math.min(at, doc.getText(root).length), text),
  delete: (doc, root, at, length) => {
    const text = doc.getText(root)
    const start = Math.min(at, text.length)
    text.delete(start, Math.min(length, text.length - start))
  },
  set: (doc, root, key, value) => doc.getMap(root).set(key, value),
  unset: (doc, root, key) => doc.getMap(root).delete(key),
  put: (doc, root, at, values) => doc.getArray(root).insert(Math.min(at, doc.getArray(root).length), values),
  drop: (doc, root, at, length) => {
    const array = doc.getArray(root)
    const start = Math.min(at, array.length)
    array.delete(start, Math.min(length, array.length - start))
  },
  element: (doc, root, at, name, text) => {
    const fragment = doc.getXmlFragment(root)
    const element = new Y.XmlElement(name)
    element.insert(0, [new Y.XmlText(text)])
    fragment.insert(Math.min(at, fragment.length), [element])
  },
  attribute: (doc, root, at, key, value) => {
    const element = doc.getXmlFragment(root).get(at)
    if (element instanceof Y.XmlElement) element.setAttribute(key, value)
  },
  prune: (doc, root, at) => {
    const fragment = doc.getXmlFragment(root)
    if (fragment.length > 0) fragment.delete(Math.min(at, fragment.length - 1), 1)
  }
}

const alphabet = ['a', 'Z', ' ', '\n', 'é', 'ß', '漢', 'かな', 'שלום', 'مرحبا', '😀', '👩‍🏫', '🏳️‍🌈', '𝒳', 'e\u0301']

// mulberry32: small, seeded, good enough to choose edits
const random = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

// A position between whole characters: editors never cut a surrogate pair.
const boundary = (text, below) => {
  const code = text.charCodeAt(below)
  return code >= 0xdc00 && code <= 0xdfff ? below - 1 : below
}

const choices = [
  (doc, pick) => {
    const content = doc.getText('text').toString()
    const at = boundary(content, pick(content.length + 1))
    operations.insert(doc, 'text', at, alphabet[pick(alphabet.length)])
  },
  (doc, pick) => {
    const content = doc.getText('text').toString()
    const from = boundary(content, pick(content.length + 1))
    const to = boundary(content, Math.min(content.length, from + pick(4)))
    if (to > from) operations.delete(doc, 'text', from, to - from)
  },
  (doc, pick) => operations.set(doc, 'map', `k${pick(8)}`, alphabet[pick(alphabet.length)]),
  (doc, pick) => operations.unset(doc, 'map', `k${pick(8)}`),
  (doc, pick) => operations.put(doc, 'array', pick(doc.getArray('array').length + 1), [alphabet[pick(alphabet.length)]]),
  (doc, pick) => operations.drop(doc, 'array', pick(doc.getArray('array').length + 1), 1),
  (doc, pick) => operations.element(doc, 'xml', pick(doc.getXmlFragment('xml').length + 1), 'p', alphabet[pick(alphabet.length)]),
  (doc, pick) => operations.attribute(doc, 'xml', pick(doc.getXmlFragment('xml').length + 1), 'lang', `l${pick(4)}`),
  (doc, pick) => operations.prune(doc, 'xml', pick(doc.getXmlFragment('xml').length + 1))
]

const scramble = (doc, seed, count) => {
  const next = random(seed)
  const pick = (below) => Math.floor(next() * below)
  for (let i = 0; i < count; i++) doc.transact(() => choices[pick(choices.length)](doc, pick))
}

const connect = ({ url, room, params = {}, protocols = [] }) => {
  const doc = new Y.Doc()
  // The process holds several clients of one room: they must meet on the server, not by BroadcastChannel.
  const provider = new WebsocketProvider(url, room, doc, { params, protocols, WebSocketPolyfill: WebSocket, disableBc: true })
  const client = { doc, provider, closes: [] }
  provider.on('connection-close', (event) => client.closes.push(event === null ? null : event.code))
  provider.on('connection-error', () => {})
  return client
}

const commands = {
  connect: (command) => {
    clients.set(command.client, connect(command))
    return { clientId: clients.get(command.client).doc.clientID }
  },
  edit: ({ ops }, { doc }) => doc.transact(() => ops.forEach(([name, ...rest]) => operations[name](doc, ...rest))),
  scramble: ({ seed, count }, { doc }) => scramble(doc, seed, count),
  state: (_, { doc, provider, closes }) => ({
    ...view(doc),
    connected: provider.wsconnected,
    synced: provider.synced,
    retrying: provider.shouldConnect,
    closes
  }),
  presence: ({ state }, { provider }) => provider.awareness.setLocalState(state),
  awareness: (_, { provider }) => ({ states: Object.fromEntries(provider.awareness.getStates()) }),
  offline: (_, { provider }) => provider.disconnect(),
  online: (_, { provider }) => provider.connect(),
  destroy: (_, { provider }) => provider.ws?.terminate(),
  leave: (command, { doc, provider }) => {
    provider.destroy()
    doc.destroy()
    clients.delete(command.client)
  },
  quit: () => process.exit(0)
}

const answer = (body) => process.stdout.write(JSON.stringify(body) + '\n')

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line)
    try {
      answer({ id: command.id, ok: true, ...commands[command.cmd](command, clients.get(command.client)) })
    } catch (error) {
      answer({ id: command.id, error: String(error.stack) })
    }
  })
  .on('close', () => process.exit(0))
