/** Where one writes: Enter sends, Shift+Enter begins a line; a draft outlives a reload, one for each conversation. */
import type { ChatView, MessageView } from "@frontdesk/client";
import { thinned } from "./bounds";
import type { WidgetContext } from "./context";
import { fill, make, setText } from "./dom";
import { icon } from "./icons";
import { isInputMethods } from "./keys";
import { useUp } from "./offers";
import type { Memory } from "./memory";
import { formatNumber } from "./format";

const DEFAULT_LIMIT = 32_000;
/** So long a draft that came back is not sent: the key or the click was meant for what stood there before. */
const UNREAD_MS = 1000;

export class Composer {
  declare readonly element: HTMLElement;
  /** The most characters that a message may have. */
  limit = DEFAULT_LIMIT;
  #context: WidgetContext;
  #memory: Memory;
  #area: HTMLTextAreaElement;
  #send: HTMLButtonElement;
  #stop: HTMLButtonElement;
  #over = make("p", { class: "over", role: "status", hidden: true });
  #editingBar: HTMLElement;
  #editing: MessageView | null = null;
  #view: ChatView | null = null;
  /** When the draft came back; never, as soon as its user has touched it. */
  #cameBackAt = -Infinity;
  /** Which draft the text belongs to. */
  #draft: string | null = null;

  constructor(context: WidgetContext, memory: Memory) {
    const { texts } = context;
    this.#context = context;
    this.#memory = memory;
    this.#area = make("textarea", {
      rows: 1,
      placeholder: texts.placeholder,
      "aria-label": texts.message,
      "aria-description": texts.keys,
      autocomplete: "off",
      enterkeyhint: "send",
      oninput: () => this.#onInput(),
      onkeydown: (event: KeyboardEvent) => this.#onKey(event),
    });
    this.#send = make(
      "button",
      {
        type: "button", // a frame may have a browser that sends no forms
        class: "send",
        "aria-label": texts.send,
        title: texts.send,
        onmousedown: keepFocus,
        onclick: () => this.#submit(),
      },
      icon("send"),
    );
    this.#stop = make(
      "button",
      {
        type: "button",
        class: "send stop",
        "aria-label": texts.stop,
        title: texts.stop,
        onmousedown: keepFocus,
        onclick: () => this.#onStop(),
      },
      icon("stop"),
    );
    this.#editingBar = make(
      "div",
      { class: "editing", hidden: true },
      texts.editing,
      make("button", { type: "button", onclick: () => this.cancelEdit() }, texts.cancel),
    );
    const row = make("div", { class: "row" }, this.#area, this.#stop, this.#send);
    this.element = make("div", { class: "composer" }, make("form", {}, this.#editingBar, row, this.#over));
  }

  /** Whether the focus is in it, so that a keyboard on the screen is there already. */
  get isAtWork(): boolean {
    return this.element.matches(":focus-within");
  }

  get isEditing(): boolean {
    return this.#editing !== null;
  }

  update(view: ChatView): void {
    this.#view = view;
    const draft = `draft:${view.conversationId ?? "new"}`;
    if (this.#editing !== null && !view.messages.some(({ id }) => id === this.#editing?.id)) this.#loseEdit(draft);
    if (draft !== this.#draft && this.#editing === null) this.#changeDraft(draft);
    this.#drawButtons();
  }

  focus(): void {
    this.#area.focus({ preventScroll: true });
  }

  edit(message: MessageView, text = message.text): void {
    this.#editing = message;
    this.#cameBackAt = -Infinity;
    this.#editingBar.hidden = false;
    this.#setText(thinned(text));
    this.focus();
    this.#area.setSelectionRange(this.#area.value.length, this.#area.value.length);
  }

  /** Puts a text there, unless something stands there. */
  write(text: string): void {
    if (this.#editing !== null || this.#area.value !== "" || text === "") return;
    this.#setText(text);
    if (this.#draft !== null) this.#memory.set(this.#draft, text);
  }

  /** Brings the draft back where nothing stands there yet; else that is the draft now. */
  restore(): void {
    if (this.#editing !== null || this.#draft === null) return;
    if (this.#area.value === "") this.#setText(this.#memory.get(this.#draft) ?? "");
    else this.#memory.set(this.#draft, this.#area.value);
  }

  /** Returns the message that is edited, and what it has become so far. */
  get edited(): { message: MessageView; text: string } | null {
    return this.#editing && { message: this.#editing, text: this.#area.value };
  }

  /** Leaves the message as it was and brings the draft back. */
  cancelEdit(): void {
    this.#context.focusComposer();
    this.#endEdit();
  }

  #endEdit(): void {
    this.#editing = null;
    this.#editingBar.hidden = true;
    this.#bringBack(this.#draft);
  }

  /** The message that is edited is gone: replaced in another tab, or left. What was written is a draft, where there is none. */
  #loseEdit(draft: string): void {
    const text = this.#area.value;
    this.#endEdit();
    if (draft !== this.#draft || this.#area.value !== "") return;
    this.#memory.set(draft, text);
    this.#setText(text);
  }

  /** A new conversation gets its id while one writes on: what stands there is its draft then. */
  #changeDraft(draft: string): void {
    const accepted = this.#draft === "draft:new" && this.#view?.phase !== "loading" && this.#area.value !== "";
    if (accepted) {
      this.#memory.set("draft:new", null);
      this.#memory.set(draft, this.#area.value);
    }
    this.#draft = draft;
    this.#bringBack(draft);
  }

  #onInput(): void {
    this.#cameBackAt = -Infinity;
    if (this.#editing === null && this.#draft !== null) this.#memory.set(this.#draft, this.#area.value);
    this.#fit();
    this.#drawButtons();
  }

  #onKey(event: KeyboardEvent): void {
    if (isInputMethods(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      if (!event.repeat) this.#submit();
    }
    if (event.key === "ArrowUp" && this.#area.value === "" && !this.isEditing) this.#editLast(event);
  }

  #editLast(event: Event): void {
    const last = this.#view?.messages.findLast(({ role, status }) => role === "user" && status === "completed");
    if (last === undefined || this.#view?.phase !== "idle") return;
    event.preventDefault();
    this.#context.edit(last);
  }

  #submit(): void {
    this.update(this.#context.chat.view); // what is not drawn yet counts as well
    const text = sendable(this.#area.value);
    if (text === "" || text.length > this.limit || this.#view?.phase === "loading") return;
    this.#context.focusComposer(); // the button that was pressed may go, and one types on
    if (performance.now() - this.#cameBackAt < UNREAD_MS) return;
    const editing = this.#editing;
    const { files } = this.#context;
    if (editing === null && files?.holds(() => this.#submit())) return;
    useUp(this.#context);
    if (editing !== null) {
      this.#endEdit();
      void this.#context.chat.edit(editing.id, text);
      return;
    }
    this.#setText("");
    if (this.#draft !== null) this.#memory.set(this.#draft, null);
    void this.#context.chat.send(text, files?.take());
  }

  #onStop(): void {
    this.#context.focusComposer();
    void this.#context.chat.stop();
  }

  #bringBack(draft: string | null): void {
    const text = (draft !== null && this.#memory.get(draft)) || "";
    if (text !== this.#area.value) this.#cameBackAt = performance.now();
    this.#setText(text);
  }

  #setText(text: string): void {
    this.#area.value = text;
    this.#fit();
    this.#drawButtons();
  }

  #drawButtons(): void {
    const { texts } = this.#context;
    const length = this.#area.value.trim().length;
    const over = length - this.limit;
    // Without a text the direction is the placeholder's.
    this.#area.dir = length === 0 ? texts.direction : "auto";
    const busy = !["idle", "loading"].includes(this.#view?.phase ?? "idle");
    this.#stop.hidden = !busy;
    this.#send.hidden = busy && length === 0;
    this.#send.disabled = length === 0 || over > 0;
    this.#over.hidden = over <= 0;
    if (over > 0) setText(this.#over, texts.tooLong(formatNumber(over, texts)));
    else fill(this.#over);
  }

  /** Grows with the text where the browser does not do it by itself. */
  #fit(): void {
    if (CSS.supports("field-sizing", "content")) return;
    this.#area.style.blockSize = "auto";
    this.#area.style.blockSize = `${this.#area.scrollHeight}px`;
  }
}

/** Returns a text as the server takes it: without what no text has, such as half a character. */
function sendable(text: string): string {
  return text
    .replace(/\p{Cs}/gu, "\ufffd")
    .replaceAll("\0", "")
    .trim();
}

/** A button that is pressed by hand leaves the focus, and so the keyboard of a screen, where one writes. */
function keepFocus(event: Event): void {
  event.preventDefault();
}
