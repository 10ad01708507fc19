// The product's own server: its page with what esbuild makes of it, and a token for whoever is signed in.
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { basename, extname } from "node:path";
import { build } from "esbuild";

const { FRONTDESK_URL = "http://127.0.0.1:8000", FRONTDESK_JWT_SECRET, PORT = "5175" } = process.env;
const { outputFiles } = await build({
  entryPoints: ["page.jsx"],
  bundle: true,
  splitting: true,
  minify: true,
  format: "esm",
  jsx: "automatic",
  define: { "process.env.NODE_ENV": '"production"', FRONTDESK: JSON.stringify(FRONTDESK_URL) },
  loader: { ".ttf": "file", ".woff": "file", ".woff2": "file" },
  outdir: "built",
  write: false,
});
const page = `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
<title>Frontdesk with CopilotKit</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/page.css">
<main></main><script type="module" src="/page.js"></script></html>`;

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Returns a token for the user of the product's session. This product has but one: the owner of the demo's studio. */
function token() {
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: "owner", tenant_id: "aurora", role: "owner", iat: now, exp: now + 900 };
  const signed = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded(claims)}`;
  return `${signed}.${createHmac("sha256", FRONTDESK_JWT_SECRET).update(signed).digest("base64url")}`;
}

const types = { ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8" };
const answers = {
  "GET /": ["text/html; charset=utf-8", () => page],
  "POST /token": ["text/plain; charset=utf-8", token],
};
for (const { path, contents } of outputFiles) {
  answers[`GET /${basename(path)}`] = [types[extname(path)] ?? "application/octet-stream", () => contents];
}
createServer(({ method, url }, response) => {
  const [type, make] = answers[`${method} ${url}`] ?? [];
  if (!type) return response.writeHead(404).end();
  response.writeHead(200, { "Content-Type": type, "Cache-Control": "no-store" }).end(make());
}).listen(Number(PORT), "127.0.0.1", () => console.log(`The page is on http://127.0.0.1:${PORT}`));
