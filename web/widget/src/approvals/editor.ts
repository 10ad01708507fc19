/** The arguments of a call as fields: texts as they are, the rest as JSON. */
import { make, setText } from "../dom";
import type { Words } from "./words";

interface Field {
  readonly name: string;
  readonly before: unknown;
  readonly input: HTMLTextAreaElement | HTMLInputElement;
  readonly problem: HTMLElement;
}

let counted = 0;

export class Editor {
  readonly element = make("div", { class: "fields" });
  #fields: Field[];
  #words: Words;

  constructor(values: Readonly<Record<string, unknown>>, words: Words) {
    this.#words = words;
    this.#fields = Object.entries(values).map(([name, before]) => field(name, before));
    for (const { name, input, problem } of this.#fields) {
      input.addEventListener("input", () => this.#check(input, problem, null));
      this.element.append(make("label", { for: input.id, dir: "auto" }, name), input, problem);
    }
  }

  focus(): void {
    this.#fields[0]?.input.focus();
  }

  /** Returns the arguments as they are written; null where they are what they were, and undefined where one is not readable. */
  read(): Record<string, unknown> | null | undefined {
    const values: Record<string, unknown> = {};
    let isReadable = true;
    let isChanged = false;
    for (const { name, before, input, problem } of this.#fields) {
      const value = valueOf(input, before);
      if (value === undefined) {
        if (isReadable) input.focus();
        isReadable = false;
        this.#check(input, problem, this.#words.unreadable);
      }
      Object.defineProperty(values, name, { value, enumerable: true });
      isChanged ||= JSON.stringify(value) !== JSON.stringify(before);
    }
    if (!isReadable) return undefined;
    return isChanged ? values : null;
  }

  #check(input: HTMLElement, problem: HTMLElement, why: string | null): void {
    input.setAttribute("aria-invalid", String(why !== null));
    setText(problem, why ?? "");
  }
}

function field(name: string, before: unknown): Field {
  const id = `frontdesk-field-${++counted}`;
  const problem = make("p", { class: "failed", id: `${id}-problem` });
  const told = { id, "aria-describedby": problem.id };
  if (typeof before === "boolean") {
    const input = make("input", { ...told, type: "checkbox" });
    input.checked = before;
    return { name, before, input, problem };
  }
  const input = make("textarea", { ...told, rows: 1, dir: "auto", spellcheck: "false" });
  input.value = typeof before === "string" ? before : JSON.stringify(before, null, 1);
  if (typeof before === "number") input.inputMode = "decimal";
  else input.rows = Math.min(8, Math.max(1, input.value.split("\n").length, Math.ceil(input.value.length / 40)));
  return { name, before, input, problem };
}

/** Returns what is written, of the kind that it was; undefined where it is none. */
function valueOf(input: Field["input"], before: unknown): unknown {
  if (typeof before === "boolean") return (input as HTMLInputElement).checked;
  if (typeof before === "string") return input.value;
  try {
    const value: unknown = JSON.parse(input.value);
    return typeof before === "number" && typeof value !== "number" ? undefined : value;
  } catch {
    return undefined;
  }
}
