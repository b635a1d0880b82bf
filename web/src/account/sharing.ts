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

export interface Share {
  id: string
  kind: 'user' | 'group'
  grantee: string
  role: Role
}

/** The links that still open it. */
export async function links(place: string, now = Date.now()): Promise<ShareLink[]> {
  const found = await mine<ShareLink[]>('GET', `${place}/share-links`)
  return found.filter((link) => link.revoked === null && (link.expires === null || link.expires > now))
}

/** `days` after which the link ends; 0 for never. */
export const addLink = (place: string, role: Role, days: number): Promise<ShareLink> =>
  mine('POST', `${place}/share-links`, { role, expires: days ? Date.now() + days * 86_400_000 : null })

export const endLink = (place: string, link: string): Promise<void> => mine('DELETE', `${place}/share-links/${link}`)

export const shares = (place: string): Promise<Share[]> => mine('GET', `${place}/shares`)

export const give = (place: string, grantee: string, role: Role): Promise<Share> =>
  mine('PUT', `${place}/shares`, { grantee, role })

export const take = (place: string, share: string): Promise<void> => mine('DELETE', `${place}/shares/${share}`)
