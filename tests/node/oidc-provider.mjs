// A certified OpenID Connect provider with a page to sign in under any name: node oidc-provider.mjs PORT REDIRECT
// Every start makes new keys.
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import Provider from 'oidc-provider'

const [port, redirect] = process.argv.slice(2)
const issuer = `http://127.0.0.1:${port}`
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

const client = (client_id, token_endpoint_auth_method, client_secret) => ({
  client_id,
  client_secret,
  token_endpoint_auth_method,
  redirect_uris: [redirect],
})

const provider = new Provider(issuer, {
  clients: [
    client('basic', 'client_secret_basic', 'a secret: of & the %client'),
    client('public', 'none'),
    client('other', 'client_secret_basic', 'the secret of another client'),
  ],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  cookies: { keys: [randomUUID()] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      name: `${id} of the issuer`,
      email: `${id}@example.org`,
      email_verified: id !== 'unverified',
    }),
  }),
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' }] },
  pkce: { required: () => true },
})

provider.listen(Number(port), '127.0.0.1')
