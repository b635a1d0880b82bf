/** The provider against a server played by the test: no network, no real clock. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import type { Ending } from '../src/sync/closing'
import * as frames from '../src/sync/frames'
import { Ledger } from '../src/sync/ledger'
import { Provider } from '../src/sync/provider'

class Socket {
  static readonly OPEN = 1
  static all: Socket[] = []
  static get last(): Socket {
    return Socket.all.at(-1)!
  }

  binaryType = ''
  readyState = 0
  sent: frames.Frame[] = []
  onopen: (() => void) | null = null
  onmessage: ((event: { data: ArrayBuffer }) => void) | null = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null

  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {
    Socket.all.push(this)
  }

  send(frame: Uint8Array): void {
    this.sent.push(frames.decode(frame))
  }

  close(): void {
    this.readyState = 3
  }

  accept(): void {
    this.readyState = Socket.OPEN
    this.onopen?.()
  }

  say(frame: frames.Bytes): void {
    this.onmessage?.({ data: frame.slice().buffer })
  }

  tell(message: frames.Control): void {
    this.say(frames.encodeControl(message))
  }

  end(code: number): void {
    this.readyState = 3
    this.onclose?.({ code, reason: 'because' })
  }

  kinds(): string[] {
    return this.sent.map((frame) => frame.kind)
  }
}

const browser = new EventTarget()
let network: { onLine: boolean }
let doc: Y.Doc
let awareness: Awareness
let ledger: Ledger
let provider: Provider
let endings: Ending[]
let tickets: boolean[]

beforeEach(() => {
  vi.useFakeTimers()
  network = { onLine: true }
  Socket.all = []
  endings = []
  tickets = []
  vi.stubGlobal('WebSocket', Socket)
  vi.stubGlobal('navigator', network)
  vi.stubGlobal('addEventListener', browser.addEventListener.bind(browser))
  vi.stubGlobal('removeEventListener', browser.removeEventListener.bind(browser))
  doc = new Y.Doc()
  awareness = new Awareness(doc)
  ledger = new Ledger()
  provider = new Provider({
    doc,
    awareness,
    url: 'ws://test/collab/x',
    schema: 1,
    ledger,
    ticket: (fresh) => {
      tickets.push(fresh)
      return Promise.resolve(`ticket ${tickets.length}`)
    },
    onChange: () => undefined,
    onEnd: (ending) => endings.push(ending),
  })
})

afterEach(() => {
  provider.destroy()
  doc.destroy()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

async function connect(role = 'editor', server = new Y.Doc()): Promise<Socket> {
  await provider.connect()
  const socket = welcome(Socket.last, role, server)
  socket.tell({ type: 'saved', n: 1, level: 'synced' })
  return socket
}

function welcome(socket: Socket, role = 'editor', server = new Y.Doc()): Socket {
  socket.accept()
  socket.tell({ type: 'ready', role, level: 'synced' })
  socket.say(frames.encodeStep1(Y.encodeStateVector(server)))
  socket.say(frames.encodeStep2(Y.encodeStateAsUpdate(server)))
  return socket
}

const type = (text: string): void => doc.getText('t').insert(doc.getText('t').length, text)

function networkGoes(state: 'online' | 'offline'): void {
  network.onLine = state === 'online'
  browser.dispatchEvent(new Event(state))
}

test('the first frames are hello with the ticket, step 1 and own presence', async () => {
  const socket = await connect()
  expect([socket.url, socket.protocol]).toEqual(['ws://test/collab/x', 'studyhub.v1'])
  expect(socket.kinds().slice(0, 3)).toEqual(['control', 'step1', 'presence'])
  expect(socket.sent[0]).toMatchObject({ message: { type: 'hello', schema: 1, ticket: 'ticket 1' } })
})

test('what the server has arrives, what it lacks is sent as step 2', async () => {
  const server = new Y.Doc()
  server.getText('t').insert(0, 'server ')
  doc.getText('mine').insert(0, 'offline work')
  const socket = await connect('editor', server)

  expect(doc.getText('t').toString()).toBe('server ')
  const step2 = socket.sent.find((frame) => frame.kind === 'step2')
  Y.applyUpdate(server, (step2 as { update: Uint8Array }).update)
  expect(server.getText('mine').toString()).toBe('offline work')
})

test('quick typing travels as one update and is saved when the server says so', async () => {
  const socket = await connect()
  type('a')
  vi.advanceTimersByTime(1)
  type('b')
  type('c')
  expect(ledger.settled).toBe(false)
  vi.advanceTimersByTime(20)
  expect(socket.kinds().filter((kind) => kind === 'update')).toHaveLength(2)
  socket.tell({ type: 'saved', n: 2, level: 'synced' })
  expect(ledger.waiting).toBe(2)
  socket.tell({ type: 'saved', n: 3, level: 'synced' })
  expect([ledger.waiting, ledger.settled]).toEqual([0, true])
})

test('a paste too large for an update travels as a step 2', async () => {
  const socket = await connect()
  type('x'.repeat(600_000))
  vi.advanceTimersByTime(20)
  const sent = socket.sent.at(-1)
  expect(sent?.kind).toBe('step2')
  socket.tell({ type: 'saved', n: 2, level: 'synced' })
  expect(ledger.settled).toBe(true)
})

test('the server tells when it cannot record, and when it can again', async () => {
  const socket = await connect()
  socket.tell({ type: 'unrecorded', on: true })
  expect(provider.unrecorded).toBe(true)
  socket.tell({ type: 'unrecorded', on: false })
  expect(provider.unrecorded).toBe(false)
})

test('edits of others are not sent back', async () => {
  const socket = await connect()
  const other = new Y.Doc()
  other.getText('t').insert(0, 'x')
  socket.say(frames.encodeUpdate(Y.encodeStateAsUpdate(other)))
  vi.advanceTimersByTime(50)
  expect(socket.kinds()).not.toContain('update')
})

test('a reader sends no document bytes', async () => {
  const socket = await connect('viewer')
  type('x')
  vi.advanceTimersByTime(50)
  expect(socket.kinds()).not.toContain('step2')
  expect(socket.kinds()).not.toContain('update')
})

test('a client id that is somebody else’s is given up, and presence sent under a new one', async () => {
  awareness.setLocalState({ user: { name: 'Ada' } })
  const socket = await connect()
  const old = doc.clientID
  const before = socket.sent.length
  socket.tell({ type: 'client_id', client: old, reason: 'this client id is another person’s' })
  await vi.advanceTimersByTimeAsync(20)
  expect(doc.clientID).not.toBe(old)
  expect(socket.sent.slice(before).map(({ kind }) => kind)).toEqual(['presence'])
  const taken = doc.clientID
  expect(awareness.getStates().get(taken)).toEqual({ user: { name: 'Ada' } })
  socket.tell({ type: 'client_id', client: old, reason: 'late' })
  expect(doc.clientID).toBe(taken)
})

test('why nobody may write is kept until the role returns', async () => {
  const socket = await connect()
  socket.tell({ type: 'role', role: 'viewer', reason: 'the exam has begun' })
  expect([provider.writable, provider.reason]).toEqual([false, 'the exam has begun'])
  socket.tell({ type: 'role', role: 'editor' })
  expect(provider.reason).toBe('')
})

test('a role that comes back brings the edits that waited for it', async () => {
  const socket = await connect('editor')
  socket.tell({ type: 'role', role: 'viewer' })
  type('kept')
  socket.tell({ type: 'role', role: 'editor' })
  await vi.advanceTimersByTimeAsync(1)
  const again = welcome(Socket.last)
  expect(again).not.toBe(socket)
  again.tell({ type: 'saved', n: 1, level: 'synced' })
  expect([ledger.waiting, ledger.settled]).toEqual([0, true])
})

test('a lost connection is replaced, and its unsaved edits travel in the next step 2', async () => {
  const socket = await connect()
  type('unsaved')
  vi.advanceTimersByTime(20)
  socket.end(1006)
  expect(provider.phase).toBe('waiting')
  await vi.advanceTimersByTimeAsync(1000)
  const server = new Y.Doc()
  const again = welcome(Socket.last, 'editor', server)
  const step2 = again.sent.find((frame) => frame.kind === 'step2')
  Y.applyUpdate(server, (step2 as { update: Uint8Array }).update)
  expect(server.getText('t').toString()).toBe('unsaved')
  expect(tickets).toEqual([false, false])
})

test('an expired token is replaced at once', async () => {
  const socket = await connect()
  socket.end(4501)
  await vi.advanceTimersByTimeAsync(1)
  expect(tickets).toEqual([false, true])
  expect(Socket.all).toHaveLength(2)
})

test('a ticket that is refused is replaced once; then nobody is signed in here', async () => {
  const socket = await connect()
  socket.end(4401)
  await vi.advanceTimersByTimeAsync(1)
  expect(tickets).toEqual([false, true])
  Socket.last.end(4401)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(endings).toEqual(['signed-out'])
  expect(Socket.all).toHaveLength(2)
})

test.each<[number, Ending]>([
  [4403, 'forbidden'],
  [4413, 'refused'],
  [4422, 'refused'],
  [4400, 'malformed'],
])('close code %i ends the connection for good', async (code, ending) => {
  const socket = await connect()
  socket.end(code)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(endings).toEqual([ending])
  expect(Socket.all).toHaveLength(1)
})

test('silence for 45 s means that the connection is dead', async () => {
  await connect()
  await vi.advanceTimersByTimeAsync(44_000)
  expect(Socket.all).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(4_000)
  expect(Socket.all).toHaveLength(2)
})

test('a keepalive every 25 s keeps the connection', async () => {
  const socket = await connect()
  for (let round = 0; round < 8; round += 1) {
    await vi.advanceTimersByTimeAsync(25_000)
    socket.say(frames.encodePresence(new Uint8Array([0])))
  }
  expect(Socket.all).toHaveLength(1)
})

test('presence is renewed within 15 s', async () => {
  const socket = await connect()
  await vi.advanceTimersByTimeAsync(14_000)
  expect(socket.kinds().filter((kind) => kind === 'presence').length).toBeGreaterThan(1)
})

test('an unanswered edit makes the provider ask, and give up a socket that stays mute', async () => {
  const socket = await connect()
  type('x')
  await vi.advanceTimersByTimeAsync(7_000)
  expect(socket.kinds().filter((kind) => kind === 'step1')).toHaveLength(2)
  await vi.advanceTimersByTimeAsync(12_000)
  expect(Socket.all.length).toBeGreaterThan(1)
})

test('a browser that goes offline is believed until a frame proves it wrong', async () => {
  const socket = await connect()
  networkGoes('offline')
  expect(provider.reachable).toBe(false)
  await vi.advanceTimersByTimeAsync(1_000)
  socket.say(frames.encodePresence(new Uint8Array([0])))
  expect(provider.reachable).toBe(true)
})

test('back online, a waiting provider connects without delay', async () => {
  const socket = await connect()
  for (let failure = 0; failure < 6; failure += 1) {
    Socket.last.end(1006)
    await vi.advanceTimersByTimeAsync(failure < 5 ? 15_000 : 0)
  }
  const count = Socket.all.length
  networkGoes('online')
  await vi.advanceTimersByTimeAsync(1)
  expect(Socket.all.length).toBe(count + 1)
  expect(socket).not.toBe(Socket.last)
})

test('others disappear with the connection, and oneself says goodbye when leaving', async () => {
  const socket = await connect()
  const other = new Awareness(new Y.Doc())
  other.setLocalState({ user: { id: 'a', name: 'Ada' } })
  const { encodeAwarenessUpdate } = await import('y-protocols/awareness')
  socket.say(frames.encodePresence(encodeAwarenessUpdate(other, [other.clientID])))
  expect(awareness.getStates().has(other.clientID)).toBe(true)
  browser.dispatchEvent(new Event('pagehide'))
  expect([...awareness.getStates().keys()]).toEqual([])
  expect(socket.kinds().at(-1)).toBe('presence')
  other.destroy()
})

test('an unreadable frame costs the connection, not the page', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const socket = await connect()
  socket.say(new Uint8Array([0, 2, 9, 9]) as frames.Bytes)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(Socket.all).toHaveLength(2)
  expect(warn).toHaveBeenCalledOnce()
})
