/** One open material: its document, its local copy, its connection, and what the page shows of them. */
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { known } from '../editor/schema'
import { inMicrotask } from '../soon'
import { pickColour, readPeople, type Person } from '../people/people'
import type { Ending } from '../sync/closing'
import { Ledger } from '../sync/ledger'
import { pill, type Pill } from '../sync/pill'
import { canWrite, Provider } from '../sync/provider'
import { accountSocketTicket, accountTicket, guestTicket, renameAccount, type Ticket } from './account'
import { socketUrl, type Address } from './address'
import { ApiError, fetchFrozen, fetchLinks, fetchSocketTicket, requestToken, type Admission, type Links } from './api'
import { openCopy, type LocalCopy } from './copy'
import { findForeign, findForeignIn } from './foreign'
import * as memory from './memory'
import { plainText } from './plain'

/** The newest `meta.schema` that this page can show without losing parts of it. */
export const SCHEMA = 1

/** Why the page stopped, with the server's words. */
export interface End {
  kind: Ending
  reason: string
  /** The document's text, to be copied. */
  text: string
}

export class Material {
  readonly doc = new Y.Doc()
  readonly awareness = new Awareness(this.doc)
  readonly body = this.doc.getXmlFragment('body')

  /** The title's shared text; null until it has arrived. */
  titleText = $state.raw<Y.Text | null>(null)
  title = $state('')
  /** Whether there is content to show: a local copy, or the server's. */
  isLoaded = $state(false)
  isWritable = $state(false)
  pill = $state.raw<Pill>({ tone: 'busy', text: 'Connecting…', detail: '' })
  /** The others, without this guest. */
  people = $state.raw<Person[]>([])
  me = $state.raw<Person>({ id: '', name: '', color: '', kind: 'human', role: '' })
  end = $state.raw<End | null>(null)
  /** Why nobody may write for now, '' where that is not so. */
  frozen = $state('')
  /** What opens it to this person: its account, a class that it joined as a guest, or a link. */
  way = $state<'account' | 'class' | 'link'>('link')

  private readonly meta = this.doc.getMap('meta')
  private ledger = new Ledger()
  private provider: Provider | null = null
  private copy: LocalCopy | null = null
  private admission: Ticket | null = null
  private countedWaiting = 0

  constructor(readonly address: Address) {}

  /** Opens the local copy, then the connection. */
  async open(): Promise<void> {
    const remembered = memory.known(this.address.id)
    if (remembered) this.introduce(remembered.user, remembered.role)
    this.copy = await openCopy(this.address.id, this.doc)
    const hasContent = this.meta.size > 0 || this.body.length > 0
    this.inheritWaiting(hasContent)
    this.doc.on('beforeObserverCalls', (transaction) => this.inspect(transaction))
    this.meta.observeDeep(() => this.readMeta())
    this.readMeta()
    if (this.isNewer() || findForeign(this.body, known)) return this.stop('outdated', '')
    this.provider = this.createProvider()
    this.awareness.on('change', inMicrotask(() => this.refreshPeople()))
    if (hasContent && remembered) this.isLoaded = true
    this.refresh()
    await this.provider.connect()
  }

  close(): void {
    this.provider?.destroy()
    this.doc.destroy()
  }

  links(): Promise<Links> {
    return fetchLinks(this.address.id, this.admission?.token ?? '')
  }

  /** Changes one's own name for everybody. Rejects with an ApiError. */
  async rename(name: string): Promise<void> {
    if (this.way === 'class') throw new Error('Your class knows you by this name.')
    if (this.way === 'account') await renameAccount(name)
    await this.admit(name)
    this.provider?.reconnect()
  }

  /** Drops the local copy and loads the server's state. */
  async startFresh(): Promise<void> {
    memory.addWaiting(this.address.id, -memory.waiting(this.address.id))
    await this.copy?.clear()
    location.reload()
  }

  private createProvider(): Provider {
    return new Provider({
      doc: this.doc,
      awareness: this.awareness,
      url: socketUrl(location.origin, this.address.id),
      schema: SCHEMA,
      ledger: this.ledger,
      ticket: (fresh) => this.ticket(fresh),
      onChange: inMicrotask(() => this.refresh()),
      onEnd: (ending, reason) => this.stop(ending, reason),
    })
  }

  private inheritWaiting(hasContent: boolean): void {
    const { id } = this.address
    if (!hasContent) memory.addWaiting(id, -memory.waiting(id))
    this.ledger = new Ledger(memory.waiting(id))
    this.countedWaiting = this.ledger.waiting
  }

  /** What opens one socket; the token behind it is kept for the next ones. */
  private async ticket(fresh: boolean): Promise<string> {
    const isNew = fresh || !this.admission
    const { token, tickets } = isNew || !this.admission ? await this.admit() : this.admission
    if (!tickets) return token
    try {
      return await this.socketTicket(token)
    } catch (error) {
      const { status, message } = error as ApiError
      if (status === 401 && !isNew) return this.ticket(true) // the token has become too old
      throw status === 404 ? new ApiError(403, message) : error // denied and absent look the same
    }
  }

  private socketTicket(token: string): Promise<string> {
    const { id } = this.address
    return this.way === 'account' ? accountSocketTicket(id) : fetchSocketTicket(id, token)
  }

  /** The account's own role goes before what a link gives to everybody. */
  private async admit(name?: string): Promise<Ticket> {
    const { id } = this.address
    const ticket = await accountTicket(id, this.address.key !== null)
    const joined = ticket ? null : await this.admitMember()
    this.way = ticket ? 'account' : joined ? 'class' : 'link'
    const admission = ticket ?? joined ?? (await this.admitGuest(name))
    this.admission = admission
    memory.rememberKnown(id, { role: admission.role, user: admission.user })
    this.introduce(admission.user, admission.role)
    return admission
  }

  /** Without a link: a guest may have joined a class. */
  private async admitMember(): Promise<Ticket | null> {
    const { id, key } = this.address
    const guest = memory.guest()
    return key || !guest || memory.isSignedIn() ? null : guestTicket(id, guest)
  }

  /** With a link only: who is signed in is a guest, too, under the account's name. */
  private async admitGuest(given?: string): Promise<Admission> {
    const { id, key } = this.address
    const guest = memory.guest()
    const name = given ?? (guest ? null : memory.accountName())
    const admission = await requestToken({ id, ...(key && { k: key }), ...(guest && { guest }), ...(name && { name }) })
    memory.rememberGuest(admission.guest)
    return admission
  }

  private introduce(user: { id: string; name: string }, role: string): void {
    const color = this.me.color || pickColour(user.id, new Set())
    this.me = { ...user, color, kind: 'human', role }
    this.isWritable = canWrite(role)
    this.publish()
  }

  private publish(): void {
    const { id, name, color, kind } = this.me
    this.awareness.setLocalState({
      ...this.awareness.getLocalState(),
      user: { id, name, color, kind },
      mode: this.isWritable ? 'edit' : 'view',
    })
  }

  private refresh(): void {
    const { provider, ledger } = this
    if (!provider) return
    if (provider.synced) this.isLoaded = true
    if (provider.writable !== null && provider.writable !== this.isWritable) {
      this.isWritable = provider.writable
      this.publish()
      void this.askWhy()
    }
    this.countWaiting()
    const { phase, reachable, connectedBefore, writable, unrecorded, level } = provider
    const { waiting, settled } = ledger
    const { frozen } = this
    this.show(pill({ phase, reachable, connectedBefore, writable, frozen, waiting, settled, unrecorded, level }))
  }

  /** Who could write and cannot any more is told whether that is so for everybody. */
  private async askWhy(): Promise<void> {
    const { provider, admission } = this
    if (!provider || provider.writable || !admission) this.frozen = ''
    else this.frozen = provider.reason || (await fetchFrozen(this.address.id, admission.token).catch(() => ''))
    this.refresh()
  }

  private show(next: Pill): void {
    if (next.text !== this.pill.text || next.detail !== this.pill.detail) this.pill = next
  }

  private countWaiting(): void {
    const change = this.ledger.waiting - this.countedWaiting
    this.countedWaiting = this.ledger.waiting
    if (change !== 0 && this.copy) memory.addWaiting(this.address.id, change)
  }

  private refreshPeople(): void {
    this.people = readPeople(this.awareness.getStates(), this.doc.clientID, this.me.id)
    const taken = new Set(this.people.map((person) => person.color))
    if (taken.has(this.me.color)) {
      this.me = { ...this.me, color: pickColour(this.me.id, taken) }
      this.publish()
    }
  }

  private readMeta(): void {
    const title = this.meta.get('title')
    this.titleText = title instanceof Y.Text ? title : null
    this.title = this.titleText?.toString() ?? ''
    if (this.titleText && this.address.key) {
      const { id } = this.address
      memory.remember({ id, title: this.title, href: location.pathname + location.hash, at: Date.now() })
    }
  }

  /** Stops before the editor's binding would delete, for everybody, what it does not know. */
  private inspect(transaction: Y.Transaction): void {
    if (transaction.local || this.end) return
    if (this.isNewer() || findForeignIn(transaction, known)) this.stop('outdated', '')
  }

  private isNewer(): boolean {
    return Number(this.meta.get('schema') ?? 0) > SCHEMA
  }

  private stop(kind: Ending, reason: string): void {
    this.end = { kind, reason, text: plainText(this.body) }
    this.provider?.destroy()
    this.copy?.stop()
    this.refresh()
    this.isWritable = false
  }
}
