/**
 * A page without a browser, for pytest: reads one command a line from its input, and writes what it shows, does and is done
 * with to its output. What it keeps is in a file, so that a second one is the first one reloaded.
 *
 * `node <this, bundled> <url> <file>`; a command is `[<call of the chat or of the client>, ...arguments]`.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { createClient } from "../src/index";

const [url = "", file = ""] = process.argv.slice(2);
const write = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const kept = (): Record<string, string> => (existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {});

let tokens: string[] = [];
const client = createClient({
  url,
  // The last one stays; each of those before it is given once.
  token: () => (tokens.length > 1 ? tokens.shift()! : (tokens[0] ?? "")),
  storage: {
    getItem: (key) => kept()[key] ?? null,
    setItem: (key, value) => writeFileSync(file, JSON.stringify({ ...kept(), [key]: value })),
  },
});
const chat = client.chat({ context: () => ({ route: "/orders" }) });
chat.subscribe((view) => write({ view }));
chat.onAction((action) => write({ action }));

const calls: Record<string, (...args: any[]) => unknown> = {
  tokens: (...given: string[]) => (tokens = given),
  send: chat.send,
  stop: chat.stop,
  retry: chat.retry,
  regenerate: chat.regenerate,
  edit: chat.edit,
  open: chat.open,
  feedback: client.feedback,
  assistant: client.assistant,
  ...client.conversations,
};

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...args] = JSON.parse(line);
  Promise.resolve(calls[name]?.(...args)).then(
    (value) => write({ done: name, value: value ?? null }),
    ({ code, message }) => write({ done: name, error: { code, message } }),
  );
}
process.exit();
