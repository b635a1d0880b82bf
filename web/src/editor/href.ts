/** Which links people may make and follow. Pure. */

const SCHEMES = new Set(['http:', 'https:', 'mailto:'])

/** Whether `href` is absolute and of a scheme that runs nothing. */
export function isSafeLink(href: unknown): href is string {
  if (typeof href !== 'string') return false
  try {
    return SCHEMES.has(new URL(href).protocol)
  } catch {
    return false
  }
}

/** What a person typed, as a link: a bare domain becomes https, a bare address mailto; null if unsafe. */
export function toLink(typed: string): string | null {
  const text = typed.trim()
  if (isSafeLink(text)) return text
  if (/^[^\s@/:]+@[^\s@/:]+\.[^\s@/:]+$/.test(text)) return `mailto:${text}`
  return /^[^\s:/?#]+\.[^\s:/?#]{2,}(:\d+)?([/?#]\S*)?$/.test(text) ? `https://${text}` : null
}

/** A web address inside running text, without the punctuation that ends a sentence. */
export const WEB_ADDRESS = /https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]}]/
