// The product's own server: its page, the page's script, and a token for whoever is signed in.
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { build } from "esbuild";

const { FRONTDESK_URL = "http://127.0.0.1:8000", FRONTDESK_JWT_SECRET, PORT = "5174" } = process.env;
const { outputFiles } = await build({
  entryPoints: ["page.jsx"],
  bundle: true,
  format: "esm",
  jsx: "automatic",
  define: { "process.env.NODE_ENV": '"production"', FRONTDESK: JSON.stringify(FRONTDESK_URL) },
  write: false,
});
const page = `<!doctype html><html lang="en"><title>Frontdesk with the AI SDK</title><link rel="icon" href="data:,">
<main></main><script type="module" src="/page.js"></script></html>`;

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Returns a token for the user of the product's session. This product has but one: the owner of the demo's studio. */
function token() {
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: "owner", tenant_id: "aurora", role: "owner", iat: now, exp: now + 900 };
  const signed = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded(claims)}`;
  return `${signed}.${createHmac("sha256", FRONTDESK_JWT_SECRET).update(signed).digest("base64url")}`;
}

const answers = {
  "GET /": ["text/html; charset=utf-8", () => page],
  "GET /page.js": ["text/javascript; charset=utf-8", () => outputFiles[0].text],
  "POST /token": ["text/plain; charset=utf-8", token],
};
createServer(({ method, url }, response) => {
  const [type, make] = answers[`${method} ${url}`] ?? [];
  if (!type) return response.writeHead(404).end();
  response.writeHead(200, { "Content-Type": type, "Cache-Control": "no-store" }).end(make());
}).listen(Number(PORT), "127.0.0.1", () => console.log(`The page is on http://127.0.0.1:${PORT}`));
