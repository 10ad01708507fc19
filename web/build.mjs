// Bundles what the server hands out under /static/ into dist/, each file under a name with its content's hash: the scripts
// and styles that pages load, and the npm packages of the client and its bindings.
// `--check` builds beside it and fails where dist/ is stale.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
import { packages } from "./packages.mjs";

const ROOT = dirname(fileURLToPath(import.meta.url));
const DIST = join(ROOT, "dist");
/** What a page asks for -> where it is made from. Each may name those in front of it. */
const ENTRIES = {
  "frontdesk-approvals.js": "widget/src/approvals/index.ts",
  "frontdesk-files.js": "widget/src/files/index.ts",
  "frontdesk-memories.js": "widget/src/memories/index.ts",
  "frontdesk-conversations.js": "widget/src/conversations/index.ts",
  "frontdesk-history.js": "widget/src/history/index.ts",
  "frontdesk-lanes.js": "widget/src/lanes/index.ts",
  "frontdesk-voice.js": "widget/src/voice/index.ts",
  "frontdesk-sources.js": "widget/src/sources/index.ts",
  "frontdesk-chat.js": "widget/src/index.ts",
  "demo.js": "demo/src/index.ts",
  "demo.css": "demo/src/demo.css",
  "icon.svg": "demo/src/icon.svg",
};
/** Pages: made last, because they name the files above as `{{name}}`. */
const PAGES = { "demo.html": "demo/src/index.html" };

/** A style sheet that is imported as text is a string to the bundler, which leaves strings as they are. */
const smallStyles = {
  name: "small-styles",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path, with: { type } }) => {
      if (type !== "text") return;
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true, charset: "utf8" });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

/**
 * The bundler's own helper goes through all that an object has, also what a page has put into every object: that would end
 * the script before it has begun.
 */
function ownOnly(code) {
  return code.replace(/for\(var ([\w$]+) in ([\w$]+)\)([\w$]+\([\w$]+,\1,\{get:)/g, "for(let $1 of Object.keys($2))$3");
}

async function bundle() {
  const files = new Map();
  const manifest = {};
  const add = (name, contents, version = "") => {
    const hash = createHash("sha256").update(contents).digest("hex").slice(0, 12);
    manifest[name] = name.replace(/(\.\w+)$/, `${version && `-${version}`}-${hash}$1`);
    files.set(manifest[name], contents);
  };
  const named = (name) => JSON.stringify(manifest[name] ?? "");
  for (const [name, source] of Object.entries(ENTRIES)) {
    if (!existsSync(join(ROOT, source))) continue;
    const { outputFiles } = await build({
      absWorkingDir: ROOT,
      entryPoints: [source],
      bundle: true,
      minify: true,
      format: "esm",
      target: ["es2022"],
      charset: "utf8",
      legalComments: "inline",
      write: false,
      outfile: name,
      define: {
        APPROVALS_FILE: named("frontdesk-approvals.js"),
        CONVERSATIONS_FILE: named("frontdesk-conversations.js"),
        HISTORY_FILE: named("frontdesk-history.js"),
        FILES_FILE: named("frontdesk-files.js"),
        MEMORIES_FILE: named("frontdesk-memories.js"),
        LANES_FILE: named("frontdesk-lanes.js"),
        VOICE_FILE: named("frontdesk-voice.js"),
        SOURCES_FILE: named("frontdesk-sources.js"),
      },
      loader: { ".svg": "copy" },
      plugins: [smallStyles],
    });
    add(name, Buffer.from(ownOnly(outputFiles[0].text)));
  }
  for (const [name, source] of Object.entries(PAGES)) {
    const page = await readFile(join(ROOT, source), "utf8");
    const addressed = page.replaceAll(/{{(.+?)}}/g, (_, wanted) => {
      if (!(wanted in manifest)) throw new Error(`${source}: nothing builds ${wanted}`);
      return manifest[wanted];
    });
    add(name, Buffer.from(addressed));
  }
  for (const { name, version, contents } of await packages()) {
    add(`npm/${name}.tgz`, contents, version);
  }
  files.set("manifest.json", Buffer.from(JSON.stringify(manifest, null, 2) + "\n"));
  return files;
}

async function stale(files) {
  const found = existsSync(DIST) ? await readdir(DIST, { recursive: true, withFileTypes: true }) : [];
  const present = found
    .filter((one) => one.isFile())
    .map(({ parentPath, name }) => relative(DIST, join(parentPath, name)));
  const different = present.filter((name) => !files.has(name));
  for (const [name, contents] of files) {
    if (!present.includes(name) || !contents.equals(await readFile(join(DIST, name)))) different.push(name);
  }
  return different;
}

const files = await bundle();
if (process.argv.includes("--check")) {
  const different = await stale(files);
  if (different.length > 0) {
    console.error(`stale in web/dist: ${different.join(", ")}. Run scripts/web build.`);
    process.exit(1);
  }
} else {
  await rm(DIST, { recursive: true, force: true });
  await mkdir(join(DIST, "npm"), { recursive: true });
  for (const [name, contents] of files) await writeFile(join(DIST, name), contents);
}
