// Serves a page of examples/ and hands everything else on to Frontdesk, as a product's own server would: so the page
// needs no CORS. `scripts/web example react-chat`, beside `scripts/serve`; FRONTDESK_URL and PORT say where.
import { readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = dirname(fileURLToPath(import.meta.url));
const FOLDER = join(ROOT, "..", "examples", process.argv[2] ?? "");
const FRONTDESK = process.env.FRONTDESK_URL ?? "http://127.0.0.1:8000";

/** Returns the page's script, made anew each time: change it and load the page again. */
async function script() {
  const { outputFiles } = await build({
    entryPoints: [join(FOLDER, "main")],
    bundle: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    sourcemap: "inline",
    nodePaths: [join(ROOT, "node_modules")],
    alias: { vue: "vue/dist/vue.esm-bundler.js" }, // the one that compiles templates
    define: {
      "process.env.NODE_ENV": '"development"',
      __VUE_OPTIONS_API__: "false",
      __VUE_PROD_DEVTOOLS__: "false",
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false",
    },
    write: false,
  });
  return outputFiles[0].text;
}

const OWN = {
  "/": ["text/html; charset=utf-8", () => readFile(join(FOLDER, "index.html"), "utf8")],
  "/main.js": ["text/javascript; charset=utf-8", script],
};

function handOn(incoming, response) {
  const { method, url, headers } = incoming;
  const outgoing = request(new URL(url, FRONTDESK), { method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  response.on("close", () => outgoing.destroy());
  outgoing.on("error", () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
  incoming.pipe(outgoing);
}

const server = createServer(async (incoming, response) => {
  const [type, make] = (incoming.method === "GET" && OWN[incoming.url]) || [];
  if (!type) return handOn(incoming, response);
  try {
    const body = await make();
    response.writeHead(200, { "content-type": type }).end(body);
  } catch (error) {
    response.writeHead(500, { "content-type": "text/plain" }).end(error.message);
  }
});
server.listen(Number(process.env.PORT ?? 5173), "127.0.0.1", () => {
  console.log(`The example is on http://127.0.0.1:${server.address().port}, Frontdesk on ${FRONTDESK}`);
});
