/** What the widget says, in each language that it speaks. A new language is a file of its own and a line below. */
import { ar } from "./ar";
import { de } from "./de";
import { en } from "./en";
import { es } from "./es";
import { hi } from "./hi";
import { pt } from "./pt";

export interface Texts {
  language: string;
  direction: "ltr" | "rtl";

  assistant: string;
  open: string;
  close: string;
  unread: string;
  newConversation: string;
  conversations: string;
  messages: string;
  jumpToLatest: string;

  placeholder: string;
  message: string;
  send: string;
  stop: string;
  keys: string;
  tooLong: (over: string) => string;
  editing: string;
  cancel: string;

  you: string;
  answering: string;
  answered: string;
  stopped: string;
  partial: string;
  notSent: string;
  reasoning: string;
  suggestions: string;
  starters: string;

  copy: string;
  copied: string;
  notCopied: string;
  code: string;
  table: string;
  edit: string;
  again: string;
  good: string;
  bad: string;
  retry: string;
  askAnew: string;
  showNewest: string;
  changeMessage: string;
  versions: (count: number) => string;

  /** What a tool does, by the verb in its name; `subject` is the rest of the name. */
  doing: Record<Verb, (subject: string) => string>;
  done: Record<Verb, (subject: string) => string>;
  usedTools: (count: number) => string;
  toolFailed: string;
  toolWaits: string;
  duration: (seconds: string) => string;
  action: (type: string, value: string) => string;

  approval: string;
  approve: string;
  deny: string;

  menu: string;

  offline: string;
  reconnecting: string;
  backOnline: string;
  /** By the server's code; `other` for the rest. */
  errors: Record<ErrorText, string>;
  tryAgainIn: (span: string) => string;
}

/** What the verb at the beginning of a tool's name comes down to. */
export type Verb = "look" | "add" | "change" | "remove" | "use";
export type ErrorText =
  | "network"
  | "unauthorized"
  | "rate_limited"
  | "overloaded"
  | "model"
  | "too_long"
  | "forbidden"
  | "refused"
  | "thought"
  | "unusable"
  | "deleted"
  | "changed"
  | "active"
  | "too_large"
  | "invalid"
  | "interrupted"
  | "late"
  | "steps"
  | "other";

const ALL: Record<string, Texts> = { ar, de, en, es, hi, pt };

/** Returns the texts for a language tag such as `pt-BR`; English where it is none that the widget speaks. */
export function textsFor(tag: string): Texts {
  return ALL[tag.toLowerCase().split(/[-_]/)[0] ?? ""] ?? en;
}
