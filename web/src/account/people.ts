/** Signing in and out, and the links of our mails. Every function rejects with an ApiError. */
import { call } from '../material/api'
import { begin, file, mine, session, type SignedIn } from './server'

const ACCOUNT = '/api/v1/account'
const BACK = 'studyhub:back' // in sessionStorage, until somebody has signed in
const FLOW = 'studyhub:oidc' // in sessionStorage, while the browser is at an issuer

export interface Device {
  id: string
  device: string
  /** Unix time in milliseconds. */
  seen: number
  shared_computer: boolean
  current: boolean
}

export interface Account {
  name: string
  email: string | null
  has_password: boolean
  second_factor: boolean
}

/** What an authenticator app needs: as text to type, and as the URI of a QR code. */
export interface AppSecret {
  secret: string
  uri: string
}

export function signIn(email: string, password: string, code: string, shared_computer: boolean): Promise<void> {
  const body = { email, password, ...(code && { code }), shared_computer }
  return begin(call<SignedIn>('POST', '/api/v1/sessions', body))
}

export const register = (email: string): Promise<void> => call('POST', `${ACCOUNT}/registrations`, { email })
export const forgotPassword = (email: string): Promise<void> => call('POST', `${ACCOUNT}/password/resets`, { email })

export const createAccount = (token: string, name: string, password: string, shared_computer: boolean): Promise<void> =>
  begin(call<SignedIn>('POST', ACCOUNT, { token, name, password, shared_computer }))

export const resetPassword = (token: string, password: string): Promise<void> =>
  call('PUT', `${ACCOUNT}/password`, { token, password })

export const confirmAddress = (token: string): Promise<void> => call('PUT', `${ACCOUNT}/email`, { token })

export const account = (): Promise<Account> => mine('GET', '/account')

/** All other devices are signed out. */
export const changePassword = (old: string, next: string): Promise<void> =>
  mine('POST', '/account/password', { old, new: next })

/** Mails a link to `email`. Without a password, where the account has none. */
export const changeAddress = (email: string, password: string): Promise<void> =>
  mine('POST', '/account/email', { email, ...(password && { password }) })

export const beginSecondFactor = (password: string): Promise<AppSecret> =>
  mine('POST', '/account/second-factor', { password })

/** Gives the recovery codes. */
export const confirmSecondFactor = async (code: string): Promise<string[]> =>
  (await mine<{ codes: string[] }>('PUT', '/account/second-factor', { code })).codes

export const endSecondFactor = (password: string): Promise<void> =>
  mine('POST', '/account/second-factor/end', { password })

/** Everything that is kept about the account, and its documents: a ZIP file. */
export const archive = (): Promise<Blob> => file('/account/archive')

export const erase = (password: string): Promise<void> =>
  mine('POST', '/account/erasure', password ? { password } : {})

/** Sets the name that others see. */
export async function rename(name: string): Promise<void> {
  await mine('PATCH', '/account', { name })
  const { tokens } = session
  if (tokens) session.keep({ ...tokens, user: { ...tokens.user, name } })
}

export const issuers = async (): Promise<string[]> =>
  (await call<{ issuers: string[] }>('GET', '/api/v1/oidc')).issuers

/** Leaves for the issuer's page. */
export async function leaveFor(issuer: string): Promise<void> {
  const { url, flow } = await call<{ url: string; flow: string }>('POST', `/api/v1/oidc/${issuer}/begin`)
  sessionStorage.setItem(FLOW, JSON.stringify({ issuer, flow }))
  location.assign(url)
}

/** Ends a sign-in at an issuer with what it sent back. */
export async function comeBack(answer: URLSearchParams, shared_computer: boolean): Promise<void> {
  const { issuer, flow } = JSON.parse(sessionStorage.getItem(FLOW) ?? '{}') as { issuer?: string; flow?: string }
  sessionStorage.removeItem(FLOW)
  const { code, state, iss } = Object.fromEntries(answer)
  if (!issuer || !flow || !code || !state) throw new Error('The sign-in was not finished. Try again.')
  const body = { flow, code, state, ...(iss && { iss }), shared_computer }
  await begin(call<SignedIn>('POST', `/api/v1/oidc/${issuer}/finish`, body))
}

/** Makes the account the author of what the guest of `token` did. */
export const claimGuest = (token: string): Promise<void> => mine('POST', '/account/guests', { guest: token })

export const devices = async (): Promise<Device[]> =>
  (await mine<{ items: Device[] }>('GET', '/sessions?limit=200')).items

export const endDevice = (id: string): Promise<void> => mine('DELETE', `/sessions/${id}`)

export const endOthers = (): Promise<unknown> => mine('DELETE', '/sessions')

export async function signOut(): Promise<void> {
  await mine('DELETE', '/sessions/current')
  session.forget()
}

/** Remembers the guide that somebody came from to sign in. */
export function rememberBack(address: string): void {
  sessionStorage.setItem(BACK, address)
}

/** The guide to go back to, once; null: none, or it is no address of a guide of ours. */
export function takeBack(): string | null {
  const address = sessionStorage.getItem(BACK)
  sessionStorage.removeItem(BACK)
  return address?.startsWith('/m/') ? address : null
}
