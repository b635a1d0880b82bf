/** Addresses of materials: the page `/m/<id>#k=<capability>`, the socket `/collab/<id>`. Pure. */

/** What a page address names; `key` is null without a capability. */
export interface Address {
  id: string
  key: string | null
}

/** Reads a page address; null when it names no material. Ids may hold slashes. */
export function parseAddress(pathname: string, hash: string): Address | null {
  if (!pathname.startsWith('/m/') || pathname.length === 3) return null
  try {
    const id = pathname.slice(3).split('/').map(decodeURIComponent).join('/')
    return { id, key: new URLSearchParams(hash.replace(/^#/, '')).get('k') }
  } catch {
    return null
  }
}

export function encodeId(id: string): string {
  return id.split('/').map(encodeURIComponent).join('/')
}

/** The socket's address next to a page at `origin` (`https://host`). */
export function socketUrl(origin: string, id: string): string {
  return `${origin.replace(/^http/, 'ws')}/collab/${encodeId(id)}`
}
