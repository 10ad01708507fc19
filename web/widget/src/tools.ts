/** What a tool's name tells people: `get_clients_stats` looks up clients stats. */
import type { ToolCallView } from "@frontdesk/client";
import { bounded } from "./bounds";
import type { Texts, Verb } from "./texts";

const VERBS: Record<string, Verb> = {
  count: "look",
  fetch: "look",
  find: "look",
  get: "look",
  list: "look",
  load: "look",
  lookup: "look",
  query: "look",
  read: "look",
  search: "look",
  show: "look",
  add: "add",
  book: "add",
  create: "add",
  make: "add",
  register: "add",
  change: "change",
  edit: "change",
  freeze: "change",
  move: "change",
  rename: "change",
  set: "change",
  unfreeze: "change",
  update: "change",
  cancel: "remove",
  delete: "remove",
  remove: "remove",
};
const LONGEST = 60;
/** Of words that the server has bounded already. */
const LONGEST_OWN = 80;

/** Characters of a result that two lines may show. */
const LONGEST_RESULT = 300;

/** Says what a call does or did: in its author's words where it has some. One that is not done is not told as done. */
export function callLabel(call: Pick<ToolCallView, "name" | "status" | "label" | "done">, texts: Texts): string {
  const { verb, subject } = readName(call.name);
  const own = call.status === "ok" ? call.done : call.label;
  const isRunning = call.status === "running";
  if (own) return bounded(own, LONGEST_OWN) + (isRunning ? " …" : "");
  if (/cancelled|awaiting/.test(call.status)) return texts.doing[verb](subject).replace(/\s*…$/, "");
  return isRunning ? texts.doing[verb](subject) : texts.done[verb](subject);
}

/** Returns the beginning of a result as two lines show it: names and values, without the marks of JSON. */
export function readResult(result: string): string {
  return bounded(result, LONGEST_RESULT)
    .replace(/"([^"\\]*)":/g, (_, name: string) => `${name.replaceAll("_", " ")}: `)
    .replace(/["{}[\]]/g, "")
    .replace(/,(?=\S)/g, ", ")
    .trim();
}

function readName(name: string): { verb: Verb; subject: string } {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .split(/[\s_.-]+/)
    .filter(Boolean)
    .map((word) => word.toLowerCase());
  const first = words[0] ?? "";
  const verb = Object.hasOwn(VERBS, first) && words.length > 1 ? VERBS[first] : undefined;
  const subject = (verb === undefined ? words : words.slice(1)).join(" ");
  return { verb: verb ?? "use", subject: bounded(subject, LONGEST) };
}
