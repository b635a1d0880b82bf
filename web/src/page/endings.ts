/** What to tell people when a material cannot be shown any more: what happened, what is safe, what to press. */
import { isSharedComputer } from '../material/memory'
import type { Ending } from '../sync/closing'

export interface Message {
  title: string
  text: string
  /** The button that helps most. */
  action: 'reload' | 'fresh' | 'new' | 'sign-in'
  /** Whether an account may open what a link does not. */
  needsAccount?: true
}

const KEPT = isSharedComputer()
  ? 'Copy your text now: on a shared computer nothing is kept.'
  : 'What you wrote is kept in this browser.'

export const ENDINGS: Record<Ending, Message> = {
  refused: {
    title: 'Your last edits could not be accepted',
    text: 'The server refused them, so this page stopped before anything else was lost. Copy your text if you need it, then start fresh with the shared version.',
    action: 'fresh',
  },
  forbidden: {
    title: 'This link does not open the guide any more',
    text: `Its owner may have changed who can see it. ${KEPT} Ask for a new link, or try again.`,
    action: 'reload',
    needsAccount: true,
  },
  'signed-out': {
    title: 'You are signed out',
    text: `This device is not signed in any more. ${KEPT} Sign in again to go on.`,
    action: 'sign-in',
  },
  missing: {
    title: 'There is no guide at this address',
    text: 'The link may be incomplete, or the guide was removed. Check the address, or begin a new guide.',
    action: 'new',
  },
  malformed: {
    title: 'This page and the server do not understand each other',
    text: `The page may be out of date. ${KEPT} Reload to get the newest version.`,
    action: 'reload',
  },
  outdated: {
    title: 'Please reload the page',
    text: `This guide was edited with a newer version of StudyHub. ${KEPT} Reload to see it safely.`,
    action: 'reload',
  },
}

export const UNREACHABLE: Message = {
  title: 'The server cannot be reached',
  text: 'A new guide needs the server once. Guides that you opened before are in the menu and work offline.',
  action: 'reload',
}
