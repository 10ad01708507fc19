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

/** Says what a call does or did. */
export function callLabel(call: Pick<ToolCallView, "name" | "status">, texts: Texts): string {
  const { verb, subject } = readName(call.name);
  // What was stopped is not done, and goes on no more.
  if (call.status === "cancelled") return texts.doing[verb](subject).replace(/\s*…$/, "");
  return call.status === "running" ? texts.doing[verb](subject) : texts.done[verb](subject);
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
