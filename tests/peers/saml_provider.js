// An identity provider by npm's samlp, over HTTPS on loopback. Its configuration is JSON on standard input; it prints
// its port, and ends with its standard input. The path says how it answers, as in /sso/encrypted-gcm.
const https = require("node:https");
const samlp = require("samlp");

const GCM = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
const WAYS = {
  assertion: {},
  response: { signAssertion: false, signResponse: true },
  both: { signResponse: true },
  prefixed: { signatureNamespacePrefix: "ds" },
  sha1: { signatureAlgorithm: "rsa-sha1", digestAlgorithm: "sha1" },
  unsigned: { signAssertion: false },
  audience: { audience: "https://other.example" },
  recipient: { recipient: "https://other.example/acs" },
  unsolicited: { inResponseTo: "_another" },
  encrypted: { encrypts: true },
  "encrypted-gcm": { encrypts: true, encryptionAlgorithm: GCM },
  "encrypted-unsigned": { encrypts: true, encryptionAlgorithm: GCM, signAssertion: false, signResponse: true },
  rotated: { other: true },
};
const USER = {
  id: "ada-1",
  displayName: "Ada King & Söhne <Łódź>",
  name: { givenName: "Ada", familyName: "King" },
  emails: [{ value: "Ada@Firm.example" }],
  groups: ["sellers", "staff"],
};

function serve(config) {
  const common = {
    issuer: config.issuer, key: config.key, cert: config.cert, lifetimeInSeconds: 300,
    recipient: config.acs, destination: config.acs, getUserFromRequest: () => USER,
    getPostURL: (audience, request, _req, done) => done(null, request.documentElement.getAttribute("AssertionConsumerServiceURL")),
  };
  const server = https.createServer({ key: config.key, cert: config.cert }, (req, res) => {
    const url = new URL(req.url, "https://127.0.0.1");
    req.query = Object.fromEntries(url.searchParams);
    req.originalUrl = req.url;
    req.protocol = "https";
    res.set = (name, value) => res.setHeader(name, value);
    res.send = (body) => res.end(String(body));
    const failed = (error) => { res.statusCode = 500; res.end(String(error)); };
    if (url.pathname === "/metadata") {
      return samlp.metadata({ ...common, redirectEndpointPath: "/sso/assertion", postEndpointPath: "/sso/assertion" })(req, res);
    }
    const way = url.pathname.slice("/sso/".length);
    if (way === "failed") {
      const error = { code: "urn:oasis:names:tc:SAML:2.0:status:Responder" };
      return samlp.sendError({ ...common, error, getPostURL: (_req, done) => done(null, config.acs) })(req, res, failed);
    }
    if (!(way in WAYS)) return failed(`no such way: ${way}`);
    const { encrypts, other, ...options } = WAYS[way];
    if (encrypts) Object.assign(options, { encryptionCert: config.spCert, encryptionPublicKey: config.spKey });
    if (other) Object.assign(options, { key: config.otherKey, cert: config.otherCert });
    return samlp.auth({ ...common, ...options })(req, res, failed);
  });
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
}

let given = "";
process.stdin.on("data", (part) => {
  given += part;
  if (given.endsWith("\n")) serve(JSON.parse(given));
});
process.stdin.on("end", () => process.exit(0));
