/** Takes away what this browser kept of somebody: the session, the copies of guides, names and links. */
import { waitingEverywhere } from '../material/memory'

const OURS = 'studyhub:'
const KEPT = 'studyhub:theme' // tells nothing about anybody

/** Edits that only this browser holds: they are lost with it. */
export const unsavedEdits = waitingEverywhere

export async function wipe(): Promise<void> {
  for (const storage of [localStorage, sessionStorage]) {
    const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? '')
    for (const key of keys) if (key.startsWith(OURS) && key !== KEPT) storage.removeItem(key)
  }
  const databases = await indexedDB.databases().catch(() => [])
  await Promise.all(databases.map(({ name }) => (name?.startsWith(OURS) ? drop(name) : undefined)))
}

/** Ends also when another tab holds the database open: that tab's closing finishes the deletion. */
function drop(name: string): Promise<void> {
  return new Promise((resolve) => {
    const request = indexedDB.deleteDatabase(name)
    request.onsuccess = request.onerror = request.onblocked = () => resolve()
  })
}
