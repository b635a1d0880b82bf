/** Tabs and what is in them. Every function rejects with an ApiError. */
import { encodeId } from '../material/address'
import { mine } from './server'

export { session } from './server'

export interface Tab {
  id: string
  title: string
}

export interface Item {
  id: string
  title: string
  kind: string | null
}

interface Listing<Value> {
  items: Value[]
  next: string | null
}

export const tabs = (): Promise<Tab[]> => mine('GET', '/tabs')
export const addTab = (title: string): Promise<Tab> => mine('POST', '/tabs', { title })
export const renameTab = (id: string, title: string): Promise<void> => mine('PATCH', `/tabs/${id}`, { title })
export const removeTab = (id: string): Promise<void> => mine('DELETE', `/tabs/${id}`)

export const itemsOf = (tab: string): Promise<Item[]> => mine('GET', `/tabs/${tab}/materials`)
export const addItem = (tab: string): Promise<Item> =>
  mine('POST', `/tabs/${tab}/materials`, { kind: 'guide', title: 'Untitled study guide' })

/** Guides that are in no tab. */
export const loose = async (): Promise<Item[]> =>
  (await all<Item & { tab: string | null }>('/me/materials')).filter((item) => item.tab === null)

/** Everything that others gave to who is signed in. */
export const shared = (): Promise<Item[]> => all('/shared')

export interface Ticket {
  token: string
  role: string
}

/** What opens the socket of a material with the rights of who is signed in. */
export const ticket = (id: string): Promise<Ticket> => mine('POST', `/materials/${encodeId(id)}/ticket`)

async function all<Value>(path: string): Promise<Value[]> {
  const found: Value[] = []
  for (let after: string | null = ''; after !== null; ) {
    const page: Listing<Value> = await mine('GET', `${path}?limit=200&after=${encodeURIComponent(after)}`)
    found.push(...page.items)
    after = page.next
  }
  return found
}
