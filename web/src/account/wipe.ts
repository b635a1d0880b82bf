/** Takes away what this browser kept of somebody: the session, the copies of guides, names and links. */
import { waitingEverywhere } from '../material/memory'

const OURS = 'studyhub:'
const KEPT = 'studyhub:theme' // tells nothing about anybody

/** Asks first, and says what would be lost: edits that only this browser holds. */
export function confirmWipe(question: string): boolean {
  const unsaved = waitingEverywhere()
  return confirm(unsaved ? `${question} ${unsaved} edits are not saved on the server yet and will be lost.` : question)
}

export async function wipe(): Promise<void> {
  for (const storage of [localStorage, sessionStorage]) {
    for (const key of Object.keys(storage)) if (key.startsWith(OURS) && key !== KEPT) storage.removeItem(key)
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
