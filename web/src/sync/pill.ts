/** What the connection pill says. Pure: facts in, words out. */

export interface Facts {
  /** `open` from the server's `ready` on; `idle` before the first attempt. */
  phase: 'idle' | 'connecting' | 'open' | 'waiting' | 'ended'
  /** Whether the network can be believed to carry something now. */
  reachable: boolean
  /** Whether this page has been connected before. */
  connectedBefore: boolean
  /** Whether the role allows to write; null while unknown. */
  writable: boolean | null
  /** Why nobody may write for now; '' where that is not so. */
  frozen: string
  /** Edits that the server has not acknowledged. */
  waiting: number
  /** Whether the server has acknowledged everything that this replica holds. */
  settled: boolean
  /** Whether the server announced that it cannot record at present. */
  unrecorded: boolean
  /** The durability level that the acknowledgements name. */
  level: string
}

export type Tone = 'ok' | 'busy' | 'warn' | 'bad' | 'quiet'

export interface Pill {
  tone: Tone
  text: string
  detail: string
}

const LEVELS: Record<string, string> = {
  recorded: 'in the server’s log',
  synced: 'on the server’s disk',
  replicated: 'on more than one server',
}

export function pill(facts: Facts): Pill {
  if (facts.phase === 'ended') return bad('Stopped', 'This page no longer talks to the server.')
  if (!facts.reachable) return offline(facts)
  if (facts.phase !== 'open') return connecting(facts)
  if (facts.writable === false) return readOnly(facts)
  if (facts.unrecorded) {
    return warn('Not saved yet', 'The server shows your edits to others but cannot store them at the moment.')
  }
  if (!facts.settled) return { tone: 'busy', text: 'Saving…', detail: 'Your last edits are on their way.' }
  const where = LEVELS[facts.level] ?? 'on the server'
  return { tone: 'ok', text: 'Saved', detail: `Every edit is stored ${where}.` }
}

function offline(facts: Facts): Pill {
  const detail = 'What you write is kept in this browser and merged when the network is back.'
  return warn(facts.waiting ? `Offline, ${edits(facts.waiting)} waiting` : 'Offline', detail)
}

function connecting(facts: Facts): Pill {
  if (!facts.connectedBefore && facts.phase !== 'waiting' && !facts.waiting) {
    return { tone: 'busy', text: 'Connecting…', detail: 'Opening the connection to the server.' }
  }
  const detail = 'The server does not answer. What you write is kept in this browser.'
  return warn(facts.waiting ? `Reconnecting, ${edits(facts.waiting)} waiting` : 'Reconnecting…', detail)
}

function readOnly(facts: Facts): Pill {
  if (facts.frozen) return warn('Frozen', `Nobody can edit this guide for now: ${facts.frozen}`)
  if (facts.waiting) {
    return warn('Read-only', `${edits(facts.waiting)} of yours stay in this browser until you may write again.`)
  }
  return { tone: 'quiet', text: 'Read-only', detail: 'You can read along; this link does not allow editing.' }
}

function edits(count: number): string {
  return count === 1 ? '1 edit' : `${count} edits`
}

function warn(text: string, detail: string): Pill {
  return { tone: 'warn', text, detail }
}

function bad(text: string, detail: string): Pill {
  return { tone: 'bad', text, detail }
}
