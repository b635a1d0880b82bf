/** QR codes as outlines for SVG. Pure. */
import { encode } from 'uqr'

const QUIET = 4 // modules around it, as ISO/IEC 18004 asks for

/** The path of the dark modules of `text`, each a square of 1, in a picture of `size` by `size`. */
export function draw(text: string): { size: number; path: string } {
  const { size, data } = encode(text, { border: QUIET })
  const path = data.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : ''))).join('')
  return { size, path }
}
