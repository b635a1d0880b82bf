/** Keeps one document and its presence in step with the server over one WebSocket. */
import { applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates, type Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { backoff, tokenVerdict, verdict, type Ending, type Verdict } from './closing'
import * as frames from './frames'
import { followId, takeNewId } from './identity'
import type { Ledger } from './ledger'
import type { Facts } from './pill'

const SUBPROTOCOL = 'studyhub.v1'
const TICK = 1_000 // milliseconds between two looks at the clock
const MERGE = 8 // own typing within this time travels as one update
const BIG = 512 * 1024 // bytes; a large paste travels as a step 2, for which the server allows more
const SILENCE = 45_000 // without any frame for this long a connection counts as dead
const CONNECT_PATIENCE = 10_000
const PROBE_AFTER = 4_000 // silence, with something at stake, before the server is asked for a sign of life
const PROBE_PATIENCE = 10_000 // generous: a busy server must not be asked to reconnect everybody
const PRESENCE_RENEWAL = 10_000

/** A failed request for a token; `status` 0 means that nothing answered. */
export interface TicketError {
  status: number
}

export interface ProviderOptions {
  doc: Y.Doc
  awareness: Awareness
  /** `ws:` or `wss:` address of the material's socket. */
  url: string
  /** The newest `meta.schema` that this page can show. */
  schema: number
  ledger: Ledger
  /** Gives what opens one socket; `fresh`: the token behind the last one was refused. Rejects with a TicketError. */
  ticket(fresh: boolean): Promise<string>
  /** Something that the page shows may have changed. */
  onChange(): void
  /** The server's answer is final. */
  onEnd(ending: Ending, reason: string): void
}

export class Provider {
  phase: Facts['phase'] = 'idle'
  /** The role that the server named last; null before the first `ready`. */
  role: string | null = null
  /** Why nobody may write, where the server said so with the role. */
  reason = ''
  level = ''
  unrecorded = false
  /** Whether the server's content has arrived at least once. */
  synced = false
  connectedBefore = false

  private readonly doc: Y.Doc
  private readonly ledger: Ledger
  private socket: WebSocket | null = null
  private freshToken = false
  private refreshNext = false
  private failures = 0 // in a row
  private attempt = 0 // tells a superseded attempt from the present one
  private lastError = ''
  /** The server's state vector on this connection. */
  private serverVector: Uint8Array | null = null
  /** Whether our step 2 is out: edits before it travel in it, edits after it as updates. */
  private live = false
  private outgoing: Uint8Array[] = []
  private presenceChanged = false
  /** Own presence, kept while the page sleeps in the browser's back-forward cache. */
  private parting: Record<string, unknown> | null = null
  private flushTimer: ReturnType<typeof setTimeout> | undefined
  private retryTimer: ReturnType<typeof setTimeout> | undefined
  private readonly ticker: ReturnType<typeof setInterval>
  // All times below are those of Date.now(); 0 stands for "never".
  private connectingSince = 0
  private lastArrival = 0
  private lastFlush = 0
  private lastPresence = 0
  private probedAt = 0
  private offlineSince = 0

  constructor(private readonly options: ProviderOptions) {
    this.doc = options.doc
    this.ledger = options.ledger
    this.doc.on('update', this.edited)
    options.awareness.on('update', this.presenceMoved)
    if (!navigator.onLine) this.offlineSince = Date.now()
    addEventListener('online', this.online)
    addEventListener('offline', this.offline)
    addEventListener('pagehide', this.leave)
    addEventListener('pageshow', this.comeBack)
    this.ticker = setInterval(this.tick, TICK)
  }

  get writable(): boolean | null {
    return this.role === null ? null : canWrite(this.role)
  }

  /** Whether the network can be believed: the browser says so, or frames arrive although it denies it. */
  get reachable(): boolean {
    if (navigator.onLine) return true
    return this.phase === 'open' && this.lastArrival > this.offlineSince && !this.isSilent(PROBE_PATIENCE)
  }

  async connect(): Promise<void> {
    const attempt = ++this.attempt
    clearTimeout(this.retryTimer)
    this.enter('connecting')
    const fresh = this.refreshNext
    this.refreshNext = false
    try {
      const ticket = await this.options.ticket(fresh)
      if (attempt === this.attempt) this.open(ticket, fresh)
    } catch (error) {
      if (attempt === this.attempt) this.decide(tokenVerdict((error as TicketError).status ?? 0), 0, '')
    }
  }

  /** Starts over, for instance with the token of a changed name. */
  reconnect(): void {
    this.drop()
    void this.connect()
  }

  /** Says goodbye and closes; `comeBack` undoes it. */
  readonly leave = (): void => {
    this.flush()
    this.parting = this.options.awareness.getLocalState()
    removeAwarenessStates(this.options.awareness, [this.doc.clientID], 'leave')
    this.send(frames.encodePresence(this.ownPresence()))
    this.drop()
    this.enter('waiting')
  }

  destroy(): void {
    this.drop()
    this.phase = 'ended'
    clearInterval(this.ticker)
    this.doc.off('update', this.edited)
    this.options.awareness.off('update', this.presenceMoved)
    removeEventListener('online', this.online)
    removeEventListener('offline', this.offline)
    removeEventListener('pagehide', this.leave)
    removeEventListener('pageshow', this.comeBack)
  }

  private open(ticket: string, fresh: boolean): void {
    this.freshToken = fresh
    this.connectingSince = Date.now()
    const socket = new WebSocket(this.options.url, SUBPROTOCOL)
    this.socket = socket
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => this.greet(ticket)
    socket.onmessage = (event) => this.received(event.data)
    socket.onclose = (event) => this.closed(event.code, event.reason)
  }

  private greet(ticket: string): void {
    this.serverVector = null
    this.live = false
    this.outgoing = []
    this.ledger.connected()
    this.lastArrival = Date.now()
    this.probedAt = 0
    this.send(frames.encodeControl({ type: 'hello', schema: this.options.schema, ticket }))
    this.send(frames.encodeStep1(Y.encodeStateVector(this.doc)))
    this.sendPresence()
  }

  private received(data: unknown): void {
    this.lastArrival = Date.now()
    try {
      this.handle(frames.decode(new Uint8Array(data as ArrayBuffer)))
    } catch (error) {
      console.warn('unreadable frame from the server', error)
      this.lost(0)
    }
    this.options.onChange()
  }

  private handle(frame: frames.Frame): void {
    switch (frame.kind) {
      case 'step1':
        this.serverVector = frame.vector
        return this.sendStep2()
      case 'step2':
        this.take(frame.update)
        this.synced = true
        this.failures = 0
        return
      case 'update':
        return this.take(frame.update)
      case 'presence':
        return applyAwarenessUpdate(this.options.awareness, frame.payload, this)
      case 'query-presence':
        return this.sendPresence()
      case 'control':
        return this.control(frame.message)
    }
  }

  private take(update: Uint8Array): void {
    Y.applyUpdate(this.doc, update, this)
    followId(this.doc, this.options.awareness)
  }

  private control(message: frames.Control): void {
    switch (message.type) {
      case 'ready':
        this.role = String(message['role'])
        this.reason = ''
        this.level = String(message['level'])
        this.unrecorded = false
        this.connectedBefore = true
        this.enter('open')
        return this.sendStep2()
      case 'saved':
        return this.ledger.saved(Number(message['n']))
      case 'role':
        return this.roleChanged(String(message['role']), String(message['reason'] ?? ''))
      case 'unrecorded':
        this.unrecorded = message['on'] === true
        return
      case 'client_id':
        if (message['client'] === this.doc.clientID) takeNewId(this.doc, this.options.awareness)
        return
      case 'error':
        this.lastError = String(message['reason'] ?? message['code'])
    }
  }

  private roleChanged(role: string, reason: string): void {
    const regained = !this.writable && canWrite(role)
    this.role = role
    this.reason = reason
    if (!this.writable) this.live = false
    if (regained) {
      this.drop()
      void this.connect()
    }
  }

  /** Sends all that the server lacks. A viewer's own edits stay here until the role returns. */
  private sendStep2(): void {
    if (!this.serverVector || !this.writable) return
    this.outgoing = []
    this.live = true
    this.ledger.sentStep2()
    this.send(frames.encodeStep2(Y.encodeStateAsUpdate(this.doc, this.serverVector)))
  }

  private readonly edited = (update: Uint8Array, origin: unknown): void => {
    if (origin === this) return
    this.ledger.edited()
    if (this.live) {
      this.outgoing.push(update)
      this.scheduleFlush()
    }
    this.options.onChange()
  }

  private readonly presenceMoved = (_change: unknown, origin: unknown): void => {
    if (origin === 'local') {
      this.presenceChanged = true
      this.scheduleFlush()
    }
    this.options.onChange()
  }

  /** The first key stroke leaves at once; those that follow quickly are merged. */
  private scheduleFlush(): void {
    if (this.flushTimer !== undefined) return
    const wait = Math.max(0, this.lastFlush + MERGE - Date.now())
    this.flushTimer = setTimeout(() => this.flush(), wait)
  }

  private flush(): void {
    clearTimeout(this.flushTimer)
    this.flushTimer = undefined
    this.lastFlush = Date.now()
    if (this.live && this.outgoing.length > 0) {
      const [first] = this.outgoing
      const update = this.outgoing.length === 1 && first ? first : Y.mergeUpdates(this.outgoing)
      this.outgoing = []
      this.ledger.sentUpdate()
      this.send(update.length > BIG ? frames.encodeStep2(update) : frames.encodeUpdate(update))
    }
    if (this.presenceChanged) this.sendPresence()
  }

  private sendPresence(): void {
    this.presenceChanged = false
    if (this.options.awareness.getLocalState() === null) return
    this.lastPresence = Date.now()
    this.send(frames.encodePresence(this.ownPresence()))
  }

  private ownPresence(): Uint8Array {
    return encodeAwarenessUpdate(this.options.awareness, [this.doc.clientID])
  }

  private send(frame: frames.Bytes): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(frame)
  }

  private closed(code: number, reason: string): void {
    this.drop()
    this.decide(verdict(code, this.freshToken), code, reason)
  }

  private lost(code: number): void {
    this.drop()
    this.decide('retry', code, '')
  }

  private decide(decision: Verdict, code: number, reason: string): void {
    this.failures += 1
    if (decision === 'refresh' || decision === 'retry') {
      this.refreshNext ||= decision === 'refresh'
      const wait = decision === 'refresh' && this.failures === 1 ? 0 : backoff(this.failures, code, Math.random())
      this.retryTimer = setTimeout(() => void this.connect(), wait)
      return this.enter('waiting')
    }
    this.enter('ended')
    this.options.onEnd(decision, reason || this.lastError)
  }

  /** Forgets the present socket without a further word, and everybody who was seen through it. */
  private drop(): void {
    this.attempt += 1
    clearTimeout(this.retryTimer)
    const { socket } = this
    this.socket = null
    this.live = false
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null
      socket.close()
    }
    const { awareness } = this.options
    const others = [...awareness.getStates().keys()].filter((client) => client !== this.doc.clientID)
    removeAwarenessStates(awareness, others, this)
  }

  private enter(phase: Facts['phase']): void {
    this.phase = phase
    this.options.onChange()
  }

  private readonly tick = (): void => {
    if (this.socket) this.watch()
    this.options.onChange()
  }

  private watch(): void {
    if (this.phase !== 'open') {
      if (Date.now() - this.connectingSince > CONNECT_PATIENCE) this.lost(0)
      return
    }
    const unanswered = this.probedAt > this.lastArrival
    if (this.isSilent(SILENCE)) return this.lost(0)
    if (unanswered && navigator.onLine && Date.now() - this.probedAt > PROBE_PATIENCE) return this.lost(0)
    const atStake = !navigator.onLine || (this.writable === true && !this.ledger.settled)
    if (atStake && !unanswered && this.isSilent(PROBE_AFTER)) this.probe()
    if (Date.now() - this.lastPresence > PRESENCE_RENEWAL) this.sendPresence()
  }

  private isSilent(time: number): boolean {
    return Date.now() - this.lastArrival > time
  }

  /** Asks for a sign of life with a step 1, which the server answers at once. */
  private probe(): void {
    this.probedAt = Date.now()
    this.send(frames.encodeStep1(Y.encodeStateVector(this.doc)))
  }

  private readonly offline = (): void => {
    this.offlineSince = Date.now()
    this.probe()
    this.options.onChange()
  }

  private readonly online = (): void => {
    this.failures = 0
    if (this.phase === 'open') this.probe()
    else if (this.phase === 'waiting') void this.connect()
    this.options.onChange()
  }

  private readonly comeBack = (event: PageTransitionEvent): void => {
    if (!event.persisted) return
    this.options.awareness.setLocalState(this.parting)
    void this.connect()
  }
}

/** Owners and editors write; the server reads every other role as read-only. */
export function canWrite(role: string): boolean {
  return role === 'owner' || role === 'editor'
}
