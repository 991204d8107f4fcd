// An OpenID Connect provider by npm's oidc-provider, over HTTPS on loopback. Its configuration is JSON on standard input; it
// prints its port, and ends with its standard input. /control rotates its keys and says who signs in next.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import https from "node:https";
import Provider from "oidc-provider";

let person = { sub: "ada-1", email: "ada@firm.example", email_verified: true, name: "Ada King" };
let options = { userinfo: false };
let handler;
let provider;
let algorithm = "RS256";

function key(kind) {
  const pair = {
    RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
    ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
    EdDSA: () => generateKeyPairSync("ed25519"),
  }[kind]();
  return { ...pair.privateKey.export({ format: "jwk" }), kid: randomUUID(), alg: kind === "EdDSA" ? "Ed25519" : kind, use: "sig" };
}

function make(config, issuer) {
  const alg = algorithm === "EdDSA" ? "Ed25519" : algorithm;
  provider = new Provider(issuer, {
    jwks: { keys: [key(algorithm)] },
    clients: [
      { client_id: "stockade", client_secret: "a secret of forty-three characters, or so", redirect_uris: [config.redirect],
        response_types: ["code"], grant_types: ["authorization_code"], id_token_signed_response_alg: alg },
      { client_id: "program", client_secret: "another secret of many characters", redirect_uris: [], response_types: [],
        grant_types: ["client_credentials"], id_token_signed_response_alg: alg },
    ],
    enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256", "Ed25519"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    conformIdTokenClaims: options.userinfo,
    cookies: { keys: ["one"] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, audience) => ({
          scope: "api", audience, accessTokenFormat: "jwt", accessTokenTTL: 300, jwt: { sign: { alg } },
        }),
      },
    },
    extraTokenClaims: () => ({ org_id: "org-a", name: "Program" }),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: async () => ({ ...person, sub }) }),
    loadExistingGrant: async (ctx) => {
      const { client, session } = ctx.oidc;
      const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope("openid email profile");
      await grant.save();
      return grant;
    },
  });
  handler = provider.callback();
}

async function answer(config, issuer, req, res) {
  if (req.url.startsWith("/control")) {
    let body = "";
    for await (const part of req) body += part;
    const wanted = JSON.parse(body || "{}");
    person = { ...person, ...wanted.person };
    options = { ...options, ...wanted.options };
    algorithm = wanted.algorithm ?? algorithm;
    if (wanted.rotate || wanted.options || wanted.algorithm) make(config, issuer);
    return res.end("{}");
  }
  if (req.url.startsWith("/interaction/")) {
    return provider.interactionFinished(req, res, { login: { accountId: person.sub } }, { mergeWithLastSubmission: false });
  }
  return handler(req, res);
}

function serve(config) {
  let issuer = "";
  const server = https.createServer({ key: config.key, cert: config.cert }, (req, res) => {
    answer(config, issuer, req, res).catch((error) => { res.statusCode = 500; res.end(String(error)); });
  });
  server.listen(0, "127.0.0.1", () => {
    issuer = `https://127.0.0.1:${server.address().port}`;
    make(config, issuer);
    console.log(server.address().port);
  });
}

let given = "";
process.stdin.on("data", (part) => {
  given += part;
  if (given.endsWith("\n")) serve(JSON.parse(given));
});
process.stdin.on("end", () => process.exit(0));
