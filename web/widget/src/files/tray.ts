/** The files of a message that is being written: how far each is, what is wrong with it, and a way out. */
import type { AcceptedFiles, ErrorView } from "@frontdesk/client";
import { type Files, openFiles, type Upload, type Uploads } from "@frontdesk/client/files";
import { tool } from "../button";
import type { ComposerFiles, WidgetContext } from "../context";
import { fill, make, setText } from "../dom";
import { formatNumber } from "../format";
import { asErrorView, problemText } from "../problem";
import { clip, document } from "./pictures";
import { draw, isPicture } from "./picture";
import { shownName, shownSize } from "./names";
import type { Words } from "./words";

interface Row {
  readonly element: HTMLElement;
  readonly bar: HTMLProgressElement;
  readonly state: HTMLElement;
  readonly note: HTMLElement;
  readonly retry: HTMLElement;
}

export class Tray implements ComposerFiles {
  readonly element: HTMLElement;
  readonly button: HTMLButtonElement;
  #context: WidgetContext;
  #words: Words;
  #accepted: AcceptedFiles;
  #isOn = true;
  #isBlank: () => boolean;
  #server: Files;
  /** By the draft they belong to. */
  #drafts = new Map<string, Uploads>();
  #draft = "";
  #uploads!: Uploads;
  #leave = () => {};
  #list: HTMLElement;
  #waiting = make("p", { class: "waits", role: "status" });
  #rows = new Map<string, Row>();
  #errors = new Map<string, ErrorView>();
  #picker: HTMLInputElement;
  /** Sends the message, as soon as its files are there. */
  #go: (() => void) | null = null;

  /** `isBlank` says whether nothing is written that the files could go with. */
  constructor(context: WidgetContext, words: Words, accepted: AcceptedFiles, isBlank: () => boolean) {
    this.#context = context;
    this.#words = words;
    this.#accepted = accepted;
    this.#isBlank = isBlank;
    this.#server = openFiles(context.options.access);
    this.#picker = make("input", {
      type: "file",
      multiple: true,
      hidden: true,
      accept: accepted.types.join(","),
      onchange: () => {
        this.add(this.#picker.files ?? []);
        this.#picker.value = "";
      },
    });
    this.button = tool(clip(), words.attach, () => this.#picker.click());
    this.#list = make("ul", { "aria-label": words.attached });
    this.element = make("div", { class: "tray", hidden: true }, this.#list, this.#waiting, this.#picker);
  }

  accept(accepted: AcceptedFiles | null): void {
    this.#isOn = accepted !== null;
    this.button.hidden = !this.#isOn;
    if (accepted === null || accepted === this.#accepted) return;
    this.#accepted = accepted;
    this.#picker.accept = accepted.types.join(",");
    for (const [draft, { items }] of this.#drafts) if (items.length === 0) this.#drafts.delete(draft);
    const draft = this.#draft;
    if (this.#drafts.has(draft)) return; // chosen for the one before: the server says which of them it does not take
    this.#draft = "";
    this.update(draft === "new" ? null : draft, true);
  }

  add(files: Iterable<File>): void {
    if (!this.#isOn) return;
    this.#uploads.add(files);
    this.#context.focusComposer();
  }

  /** Shows the files of another draft; those of the last one wait for it to be shown again. */
  update(conversationId: string | null, isLoading: boolean): void {
    const draft = conversationId ?? "new";
    if (draft === this.#draft) return;
    // A new conversation gets its id while one writes on: what is here is for it then.
    if (this.#draft === "new" && !isLoading) {
      this.#drafts.set(draft, this.#uploads);
      this.#drafts.delete("new");
    }
    this.#draft = draft;
    this.#leave();
    this.#go = null;
    this.#uploads = this.#drafts.get(draft) ?? this.#server.uploads(this.#accepted);
    this.#drafts.set(draft, this.#uploads);
    this.#leave = this.#uploads.subscribe(() => this.#draw());
    this.#draw();
  }

  /** Whether a message has to wait for its files, or for its user to look at one. Then `go` is called as soon as they are there. */
  holds(go: () => void): boolean {
    const { items } = this.#uploads;
    if (items.every(({ status }) => status === "ready")) return false;
    const failed = items.find(({ status }) => status === "failed");
    if (failed) {
      setText(this.#waiting, this.#words.held);
      this.#context.narrator.urgent.say(this.#words.held);
      return true;
    }
    this.#go = go;
    setText(this.#waiting, this.#words.waits);
    return true;
  }

  /** Says what is missing where files are there, and nothing to send them with. */
  hint(): void {
    const { items } = this.#uploads;
    const isReady = items.length > 0 && items.every(({ status }) => status === "ready");
    if (isReady) setText(this.#waiting, this.#isBlank() ? this.#words.ask : "");
  }

  /** Returns the files that go with the message that is sent now; the list is empty then. */
  take() {
    const files = this.#uploads.items.flatMap(({ file }) => file ?? []);
    this.#uploads.sent();
    return { files };
  }

  close(): void {
    for (const uploads of this.#drafts.values()) uploads.close();
    this.#server.close();
  }

  #draw(): void {
    const { items } = this.#uploads;
    for (const key of this.#rows.keys()) if (!items.some((one) => one.key === key)) this.#rows.delete(key);
    for (const one of items) this.#drawRow(one);
    fill(this.#list, ...items.map(({ key }) => this.#rows.get(key)!.element));
    this.element.hidden = items.length === 0;
    if (items.some(({ status }) => status === "failed")) this.#go = null;
    else if (items.every(({ status }) => status === "ready")) {
      setText(this.#waiting, "");
      this.hint();
      const go = this.#go;
      this.#go = null;
      go?.();
    }
  }

  #drawRow(one: Upload): void {
    const row = this.#rows.get(one.key) ?? this.#newRow(one);
    const { texts, narrator } = this.#context;
    row.element.classList.toggle("failed", one.status === "failed");
    row.bar.hidden = one.status === "failed" || one.status === "ready";
    row.bar.value = one.progress;
    row.retry.hidden = !one.error?.recoverable;
    const told: Record<Upload["status"], string> = {
      waiting: "",
      uploading: this.#words.uploading(formatNumber(one.progress * 100, texts)),
      ready: "",
      failed: one.error ? this.#problem(one.error) : "",
    };
    setText(row.state, [shownSize(one.bytes, texts), told[one.status]].filter(Boolean).join(" · "));
    setText(row.note, one.note ?? "");
    if (one.error && this.#errors.get(one.key) !== one.error) {
      this.#errors.set(one.key, one.error);
      narrator.urgent.say(`${shownName(one.name)}: ${told.failed}`);
    }
    if (one.status === "ready" && row.element.dataset.said === undefined) {
      row.element.dataset.said = "";
      narrator.live.say(`${shownName(one.name)}: ${one.note ?? this.#words.ready}`);
    }
  }

  #newRow({ key, name, blob, type }: Upload): Row {
    const shown = shownName(name);
    const { texts } = this.#context;
    const picture = make("span", { class: "preview" }, document());
    const bar = make("progress", { max: 1, "aria-label": shown });
    const state = make("span", { class: "file-size" });
    const note = make("span", { class: "file-note", dir: "auto" });
    const again = () => {
      setText(this.#waiting, "");
      this.#uploads.retry(key);
      this.#context.focusComposer();
    };
    const remove = () => {
      setText(this.#waiting, "");
      this.#uploads.remove(key);
      this.#context.focusComposer();
    };
    const retry = make("button", { type: "button", class: "button", onclick: again }, texts.retry);
    const element = make(
      "li",
      {},
      picture,
      make("span", { class: "about" }, make("bdi", { class: "file-name" }, shown), state, note, bar),
      retry,
      tool("close", `${this.#words.remove}: ${shown}`, remove),
    );
    const row = { element, bar, state, note, retry };
    this.#rows.set(key, row);
    if (isPicture(type)) void draw(blob, shown).then((drawn) => drawn && fill(picture, drawn));
    return row;
  }

  #problem(error: ErrorView): string {
    const { texts } = this.#context;
    const { max_bytes: bytes, max_per_message: count, types } = this.#accepted;
    const said: Record<string, string> = {
      file_too_large: this.#words.tooLarge(shownSize(bytes, texts)),
      too_many_files: this.#words.tooMany(formatNumber(count, texts)),
      unsupported_file: this.#words.unsupported(`\u2066${types.join(" ")}\u2069`),
      unreadable_file: this.#words.unreadable,
      quota_exceeded: this.#words.full,
      network: this.#words.cut,
    };
    return said[error.code] ?? problemText(asErrorView(error), texts);
  }
}
