/** The server's HTTP interface. Every function rejects with an ApiError. */
import { encodeId } from './address'

/** An answer that is not a success. `status` 0: nothing answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail)
  }
}

export interface Links {
  /** Absent for those who may only read. */
  edit?: string
  view: string
}

export interface Admission {
  token: string
  /** Signed guest identity, to be sent again next time. */
  guest: string
  role: string
  user: { id: string; name: string }
}

/** Creates an empty study guide. */
export function createGuide(title: string): Promise<{ id: string; links: Required<Links> }> {
  return request('/api/v1/materials', { kind: 'guide', title })
}

/** Exchanges a link's capability for a token of this guest. */
export function requestToken(body: { id: string; k?: string; guest?: string; name?: string }): Promise<Admission> {
  return request('/api/v1/token', body)
}

export function fetchLinks(id: string, token: string): Promise<Links> {
  return request(`/api/v1/materials/${encodeId(id)}/links`, undefined, token)
}

async function request<Answer>(path: string, body?: object, token?: string): Promise<Answer> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (body) headers['content-type'] = 'application/json'
  if (token) headers['authorization'] = `Bearer ${token}`
  const init: RequestInit = body ? { method: 'POST', body: JSON.stringify(body) } : {}
  const response = await fetch(path, { ...init, headers }).catch(() => null)
  if (!response) throw new ApiError(0, 'The server cannot be reached.')
  if (!response.ok) throw new ApiError(response.status, await problemDetail(response))
  return (await response.json()) as Answer
}

/** The sentence for people in a problem+json answer (RFC 9457). */
async function problemDetail(response: Response): Promise<string> {
  const problem = (await response.json().catch(() => ({}))) as { detail?: string; title?: string }
  return problem.detail ?? problem.title ?? `The server answered ${response.status}.`
}
