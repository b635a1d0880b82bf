/**
 * Who has a role on a tab or material; `place` is its path in the API, `/tabs/<id>` or `/materials/<id>`. Every
 * function rejects with an ApiError.
 */
import { mine } from './server'

export const ROLES = ['viewer', 'taker', 'commenter', 'editor'] as const
export type Role = (typeof ROLES)[number]

/** What the roles are called on the page. */
export const WORDS: Record<Role, string> = {
  viewer: 'Can read',
  taker: 'Can take the test',
  commenter: 'Can comment',
  editor: 'Can edit',
}

export interface ShareLink {
  id: string
  path: string
  role: Role
  label: string
  expires: number | null
  revoked: number | null
}

export type Kind = 'user' | 'group'

export interface Share {
  id: string
  kind: Kind
  grantee: string
  /** Of the person or group; '' where it has none that the server knows. */
  name: string
  role: Role
  expires: number | null
}

/** Somebody who is kept away. */
export interface Blocked {
  user: string
  name: string
}

/** When something ends that is given for `days`; null for never. */
export const endOf = (days: number, now = Date.now()): number | null => (days ? now + days * 86_400_000 : null)

/** The links that still open it. */
export async function links(place: string, now = Date.now()): Promise<ShareLink[]> {
  const found = await mine<ShareLink[]>('GET', `${place}/share-links`)
  return found.filter((link) => link.revoked === null && (link.expires === null || link.expires > now))
}

/** `days` after which the link ends; 0 for never. */
export const addLink = (place: string, role: Role, days: number): Promise<ShareLink> =>
  mine('POST', `${place}/share-links`, { role, expires: endOf(days) })

export const endLink = (place: string, link: string): Promise<void> => mine('DELETE', `${place}/share-links/${link}`)

/** The roles that are still good. */
export async function shares(place: string, now = Date.now()): Promise<Share[]> {
  const found = await mine<Share[]>('GET', `${place}/shares`)
  return found.filter((share) => share.expires === null || share.expires > now)
}

/** Gives a role to a person or group, in place of the one that it has. */
export const give = (place: string, kind: Kind, grantee: string, role: Role, days: number): Promise<Share> =>
  mine('PUT', `${place}/shares`, { kind, grantee, role, expires: endOf(days) })

export const take = (place: string, share: string): Promise<void> => mine('DELETE', `${place}/shares/${share}`)

const blockOf = (place: string, user: string): string => `${place}/blocks/${encodeURIComponent(user)}`

export const blocks = (place: string): Promise<Blocked[]> => mine('GET', `${place}/blocks`)
export const block = (place: string, user: string): Promise<void> => mine('PUT', blockOf(place, user))
export const unblock = (place: string, user: string): Promise<void> => mine('DELETE', blockOf(place, user))

/** Why nobody may write there now; '' where they may. */
export const frozen = async (place: string): Promise<string> => (await mine<{ frozen: string }>('GET', place)).frozen

/** Lets nobody write, the owner neither. */
export const freeze = (place: string, reason: string): Promise<void> =>
  mine('PUT', `${place}/frozen`, reason ? { reason } : {})
export const thaw = (place: string): Promise<void> => mine('DELETE', `${place}/frozen`)
