/** A material in the name of somebody who is signed in. Its code is loaded only then. */
import { encodeId } from './address'
import { call, type Admission, type ApiError } from './api'
import { isSignedIn } from './memory'

export type Ticket = Pick<Admission, 'token' | 'role' | 'user' | 'tickets'>

/**
 * A token; null: nobody is signed in, or the account has no role here. Rejects with an ApiError: 401
 * where the session has ended and there is no link to fall back on.
 */
export async function accountTicket(id: string, hasLink: boolean): Promise<Ticket | null> {
  if (!isSignedIn()) return null
  const { ticket } = await import('../account/shelf')
  try {
    return { ...(await ticket(id)), tickets: true }
  } catch (error) {
    const { status } = error as ApiError
    if (status === 403 || status === 404 || (status === 401 && hasLink)) return null
    throw error
  }
}

/** What opens one socket of a material, within a minute, in the name of who is signed in. Rejects with an ApiError. */
export async function accountSocketTicket(id: string): Promise<string> {
  const { socketTicket } = await import('../account/shelf')
  return socketTicket(id)
}

/** As `accountTicket`, for a guest whom a group that it is in was given the material; null: it was given nothing here. */
export async function guestTicket(id: string, guest: string): Promise<Ticket | null> {
  try {
    const ticket = await call<Ticket>('POST', `/api/v1/materials/${encodeId(id)}/ticket`, undefined, guest)
    return { ...ticket, tickets: true }
  } catch (error) {
    if ([401, 403, 404].includes((error as ApiError).status)) return null
    throw error
  }
}

/** Changes the account's name. Rejects with an ApiError. */
export async function renameAccount(name: string): Promise<void> {
  const { rename } = await import('../account/people')
  await rename(name)
}
