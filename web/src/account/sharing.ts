/** Who has a role on a material. Every function rejects with an ApiError. */
import { encodeId } from '../material/address'
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

export interface Share {
  id: string
  kind: 'user' | 'group'
  grantee: string
  role: Role
}

const place = (id: string, rest: string): string => `/materials/${encodeId(id)}/${rest}`

/** The links that still open it. */
export async function links(id: string, now = Date.now()): Promise<ShareLink[]> {
  const found = await mine<ShareLink[]>('GET', place(id, 'share-links'))
  return found.filter((link) => link.revoked === null && (link.expires === null || link.expires > now))
}

/** `days` after which the link ends; 0 for never. */
export const addLink = (id: string, role: Role, days: number): Promise<ShareLink> =>
  mine('POST', place(id, 'share-links'), { role, expires: days ? Date.now() + days * 86_400_000 : null })

export const endLink = (id: string, link: string): Promise<void> => mine('DELETE', place(id, `share-links/${link}`))

export const shares = (id: string): Promise<Share[]> => mine('GET', place(id, 'shares'))

export const give = (id: string, grantee: string, role: Role): Promise<Share> =>
  mine('PUT', place(id, 'shares'), { grantee, role })

export const take = (id: string, share: string): Promise<void> => mine('DELETE', place(id, `shares/${share}`))
