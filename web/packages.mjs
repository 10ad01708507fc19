// Makes the npm packages that the server hands out under /static/npm/: the client and the bindings that match it.
// The same source gives the same bytes on any machine: times, owners and order are fixed, and the archive is gzip without
// compression, because compressors differ between versions and processors.
import { readFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { build } from "esbuild";
import ts from "typescript";

const ROOT = dirname(fileURLToPath(import.meta.url));
const OWN = "@frontdesk/client";
/** The widget is none of them: its script comes from the server, so it is never older than that. */
const PACKAGES = ["client", "react", "vue"];
/** The time that npm gives every file: the one before there were any. */
const MTIME_S = 499162500;
const RELATIVE = /(from |import\()"(\.\.?\/[^"]+)"/g;

/** Returns a list of `{name, version, contents}`, one for each tarball. */
export async function packages() {
  const sources = new Map();
  for (const name of PACKAGES) sources.set(name, JSON.parse(await readFile(join(ROOT, name, "package.json"), "utf8")));
  const types = declarations([...sources].flatMap(([name, { exports }]) => entries(name, exports)));
  const made = [];
  for (const [name, own] of sources) {
    const files = new Map([["package.json", json(published(name, own))]]);
    files.set("LICENSE", await readFile(join(ROOT, "..", "LICENSE")));
    files.set("README.md", await readme(name));
    for (const [path, contents] of await scripts(name, own)) files.set(path, contents);
    for (const [path, text] of reachable(types, entries(name, own.exports))) {
      files.set(relative(join(ROOT, name), path).replace(/^src/, "dist"), Buffer.from(text));
    }
    made.push({ name, version: own.version, contents: gzipped(tar(files)) });
  }
  return made;
}

const entries = (name, exports) => Object.values(exports).map((source) => join(ROOT, name, source));
const json = (value) => Buffer.from(JSON.stringify(value, null, 2) + "\n");

/** Returns what stands in a package's own package.json, made from the workspace's. */
function published(name, { private: _, devDependencies: __, dependencies = {}, exports, ...own }) {
  const built = (source, ending) => source.replace(/^\.\/src\/(.+)\.ts$/, `./dist/$1${ending}`);
  const shown = Object.entries(exports).map(([key, source]) => [
    key,
    { types: built(source, ".d.ts"), default: built(source, ".js") },
  ]);
  const index = exports["."];
  const peers = { ...own.peerDependencies };
  const all = { ...own, license: "Apache-2.0", main: built(index, ".js"), types: built(index, ".d.ts") };
  all.exports = { ...Object.fromEntries(shown), "./package.json": "./package.json" };
  if (OWN in dependencies) {
    // For its types alone. A tarball does not know its host, and npm must not ask a registry for a name that may be anybody's
    // there: so the client is a peer, of this very version, and optional.
    all.peerDependencies = { [OWN]: dependencies[OWN], ...peers };
    all.peerDependenciesMeta = { [OWN]: { optional: true } };
  }
  return all;
}

async function scripts(name, { exports, dependencies = {}, peerDependencies = {} }) {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: entries(name, exports),
    bundle: true,
    splitting: true,
    format: "esm",
    target: ["es2022"],
    charset: "utf8",
    legalComments: "inline",
    sourcemap: "linked",
    write: false,
    outdir: join(name, "dist"),
    external: Object.keys({ ...dependencies, ...peerDependencies }),
  });
  return outputFiles.map(({ path, contents }) => [relative(join(ROOT, name), path), Buffer.from(contents)]);
}

/** Returns path -> declarations, without ending, of all sources that these lead to; imports name files as Node's rules want. */
function declarations(roots) {
  const { config } = ts.readConfigFile(join(ROOT, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: roots }, ts.sys, ROOT);
  const program = ts.createProgram(roots, {
    ...options,
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
  });
  const written = new Map();
  program.emit(undefined, (_, text, __, ___, [source]) => {
    const named = text.replace(RELATIVE, (_, before, wanted) => `${before}"${wanted}.js"`);
    written.set(source.fileName.replace(/\.tsx?$/, ""), named);
  });
  return written;
}

/** Returns path -> declarations of what these entries show, and of what that shows. */
function reachable(types, roots) {
  const found = new Map();
  const follow = (path) => {
    if (found.has(`${path}.d.ts`) || !types.has(path)) return;
    found.set(`${path}.d.ts`, types.get(path));
    for (const [, , wanted] of types.get(path).matchAll(RELATIVE)) follow(join(dirname(path), wanted.slice(0, -3)));
  };
  for (const root of roots) follow(root.replace(/\.tsx?$/, ""));
  return found;
}

/** Returns a package's README, with links that lead out of the package as the text that they are. */
async function readme(name) {
  const text = await readFile(join(ROOT, name, "README.md"), "utf8");
  return Buffer.from(text.replace(/\[([^\]]+)\]\((\.\.\/|src\/)[^)]+\)/g, "$1"));
}

/** Returns the files as a tar archive in npm's form: in `package/`, in the order of their names. */
function tar(files) {
  const blocks = [];
  for (const path of [...files.keys()].sort()) {
    const contents = files.get(path);
    blocks.push(tarHeader(`package/${path}`, contents.length), contents, Buffer.alloc(-contents.length & 511));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function tarHeader(path, size) {
  if (Buffer.byteLength(path) > 100) throw new Error(`${basename(path)}: too long a path for a header of tar`);
  const header = Buffer.alloc(512);
  const octal = (value, at, length) => header.write(value.toString(8).padStart(length - 1, "0"), at);
  header.write(path);
  octal(0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(MTIME_S, 136, 12);
  header.write("        0", 148); // the sum is counted with blanks in its own place; 0 is a file
  header.write("ustar\0" + "00", 257);
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  header[154] = 0;
  return header;
}

/** Returns bytes in gzip's form as they are, in stored blocks (RFC 1951, 3.2.4): no compressor has a say in them. */
function gzipped(bytes) {
  const MOST = 0xffff;
  const blocks = [Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])];
  for (let at = 0; at < bytes.length; at += MOST) {
    const stored = bytes.subarray(at, at + MOST);
    const head = Buffer.alloc(5);
    head[0] = at + MOST >= bytes.length ? 1 : 0;
    head.writeUInt16LE(stored.length, 1);
    head.writeUInt16LE(~stored.length & MOST, 3);
    blocks.push(head, stored);
  }
  const tail = Buffer.alloc(8);
  tail.writeUInt32LE(crc32(bytes), 0);
  tail.writeUInt32LE(bytes.length % 2 ** 32, 4);
  return Buffer.concat([...blocks, tail]);
}
