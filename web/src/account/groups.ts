/** Groups, as classes are. Every function rejects with an ApiError. */
import { call } from '../material/api'
import { mine } from './server'
import { all, type Item } from './shelf'

export interface Group {
  id: string
  name: string
  owner: string
  /** What others join by; null where nobody may, or for those who are not its owner. */
  code: string | null
}

export interface Member {
  user: string
  name: string
}

const at = (id: string): string => `/groups/${encodeURIComponent(id)}`

/** One's own, then those that one has joined. */
export const groups = (): Promise<Group[]> => mine('GET', '/groups')
export const members = async (id: string): Promise<Member[]> =>
  (await mine<{ members: Member[] }>('GET', at(id))).members

export const makeGroup = (name: string): Promise<Group> => mine('POST', '/groups', { name })
export const renameGroup = (id: string, name: string): Promise<void> => mine('PATCH', at(id), { name })
export const removeGroup = (id: string): Promise<void> => mine('DELETE', at(id))
export const renewCode = (id: string): Promise<Group> => mine('POST', `${at(id)}/code`)
export const closeGroup = (id: string): Promise<void> => mine('DELETE', `${at(id)}/code`)
export const removeMember = (id: string, user: string): Promise<void> =>
  mine('DELETE', `${at(id)}/members/${encodeURIComponent(user)}`)

/** `name` is what the group calls its new member. */
export const joinGroup = (code: string, name: string): Promise<unknown> => mine('POST', '/groups/join', { code, name })
/** The same without an account; gives the guest's identity, to be kept. */
export const joinAsGuest = async (code: string, name: string, guest: string | null): Promise<string> =>
  (await call<{ guest: string }>('POST', '/api/v1/groups/join', { code, name, ...(guest && { guest }) })).guest

/** What groups that a guest is in were given. */
export const sharedWithGuest = (guest: string): Promise<Item[]> =>
  all('/shared', (method, path) => call(method, `/api/v1${path}`, undefined, guest))

/** The address of the page where a code is ready to be used. */
export const joinLink = (code: string): string => `${location.origin}/join#code=${encodeURIComponent(code)}`

export const leaveGroup = (id: string): Promise<void> => mine('DELETE', `${at(id)}/membership`)
