/** Tabs and what is in them. Every function rejects with an ApiError. */
import { encodeId } from '../material/address'
import type { Ticket } from '../material/account'
import { mine } from './server'

export interface Tab {
  id: string
  title: string
  /** `#rrggbb`, a name, or '' for none. */
  colour: string
}

export interface Item {
  id: string
  title: string
  kind: string | null
  tab: string | null
  /** Among those of its tab. */
  position: number
  /** Why nobody may write; '' where they may. */
  frozen: string
}

interface Listing<Value> {
  items: Value[]
  next: string | null
}

export const tabName = (tab: Tab): string => tab.title || 'Untitled tab'
export const itemName = (item: Item): string => item.title || 'Untitled study guide'

export const tabs = (): Promise<Tab[]> => mine('GET', '/tabs')
export const addTab = (title: string): Promise<Tab> => mine('POST', '/tabs', { title })
export const changeTab = (id: string, change: { title: string; colour: string }): Promise<void> =>
  mine('PATCH', `/tabs/${id}`, change)
export const orderTabs = (ids: string[]): Promise<void> => mine('PUT', '/tabs/order', { ids })
export const removeTab = (id: string): Promise<void> => mine('DELETE', `/tabs/${id}`)
export const restoreTab = (id: string): Promise<void> => mine('POST', `/tabs/${id}/restore`)
export const trashedTabs = (): Promise<Tab[]> => mine('GET', '/tabs?trashed=true')

export const addItem = (tab: string): Promise<Item> =>
  mine('POST', `/tabs/${tab}/materials`, { kind: 'guide', title: 'Untitled study guide' })
export const orderItems = (tab: string, ids: string[]): Promise<void> =>
  mine('PUT', `/tabs/${tab}/materials/order`, { ids })
/** Into another tab, behind what is there; null: into none. */
export const moveItem = (id: string, tab: string | null): Promise<void> =>
  mine('POST', `/materials/${encodeId(id)}/move`, { tab })
export const removeItem = (id: string): Promise<void> => mine('DELETE', `/materials/${encodeId(id)}`)
export const restoreItem = (id: string): Promise<void> => mine('POST', `/materials/${encodeId(id)}/restore`)
/** Deletes for good what lies in the trash. */
export const purgeItem = (id: string): Promise<void> => mine('POST', `/materials/${encodeId(id)}/purge`)
export const trashedItems = (): Promise<Item[]> => all('/me/materials?trashed=true')

/** Everything that one owns, but for the trash. */
export const owned = (): Promise<Item[]> => all('/me/materials')

/** Those of `items` that are in a tab, or with null in none, in their order. */
export const itemsIn = (items: readonly Item[], tab: string | null): Item[] =>
  items.filter((item) => item.tab === tab).sort((one, other) => one.position - other.position)

/** Everything that others gave to who is signed in. */
export const shared = (): Promise<Item[]> => all('/shared')

/** A token for a material, with the rights of who is signed in. */
export const ticket = (id: string): Promise<Ticket> => mine('POST', `/materials/${encodeId(id)}/ticket`)

/** What opens one socket of it, within a minute. */
export const socketTicket = async (material: string): Promise<string> =>
  (await mine<{ ticket: string }>('POST', '/socket-tickets', { material })).ticket

/** All pages of a list; `ask` sends a request. */
export async function all<Value>(path: string, ask: typeof mine = mine): Promise<Value[]> {
  const found: Value[] = []
  for (let after: string | null = ''; after !== null; ) {
    const { items, next }: Listing<Value> = await ask('GET', page(path, after))
    found.push(...items)
    after = next
  }
  return found
}

const page = (path: string, after: string): string =>
  `${path}${path.includes('?') ? '&' : '?'}limit=200&after=${encodeURIComponent(after)}`
