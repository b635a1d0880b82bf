/**
 * Runs `action` once, as soon as the present task allows, however often it is asked for: what the editor and
 * the connection tell may come amid a rendering, when the page's state must not change.
 */
export function inMicrotask(action: () => void): () => void {
  let isDue = false
  return () => {
    if (isDue) return
    isDue = true
    queueMicrotask(() => {
      isDue = false
      action()
    })
  }
}
