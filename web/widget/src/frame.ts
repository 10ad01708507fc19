/** Everything inside the panel's frame: head, notices, messages, composer, and the drawer with the conversations. */
import type { Assistant, ChatOptions, ChatView, Client, Chat, ErrorView, MessageView } from "@frontdesk/client";
import { label } from "./bounds";
import { Composer } from "./composer";
import { loadApprovals } from "./approval";
import { loadFiles } from "./attached";
import type { Inbox } from "./approvals";
import { tool } from "./button";
import type * as Made from "./conversations";
import type * as Lanes from "./lanes";
import type * as Voices from "./voice";
import type { Access, ComposerFiles, WidgetContext } from "./context";
import { fill, make, setText } from "./dom";
import { drawEach } from "./guard";
import { icon } from "./icons";
import { load } from "./load";
import type { Sanitise } from "./markdown/sanitise";
import type { Memory } from "./memory";
import { AnswerItem } from "./message";
import { Narrator } from "./narrator";
import { firstButtonOnly } from "./offers";
import { asErrorView, NOT_LOADED, problemParts, problemText } from "./problem";
import type { Texts } from "./texts";
import { Transcript } from "./transcript";
import { isInputMethods } from "./keys";
import { isTouch } from "./visible";

declare const CONVERSATIONS_FILE: string;
declare const LANES_FILE: string;
declare const VOICE_FILE: string;

export interface FrameOptions {
  texts: Texts;
  client: Client;
  chat: Chat;
  sanitise: Sanitise;
  memory: Memory;
  access: Access;
  /** What the chat is asked with, where several models may be asked side by side. */
  compares?: ChatOptions | false;
  /** Closes the panel; null where there is none to close. */
  close: (() => void) | null;
}

/** What stands beside the messages, or over them. */
export interface Drawer {
  readonly element: HTMLElement;
  load(): Promise<void>;
  focus(): void;
  close(): void;
}

export class Frame implements WidgetContext {
  declare readonly element: HTMLElement;
  declare readonly texts: Texts;
  declare readonly client: Client;
  declare readonly chat: Chat;
  declare readonly sanitise: Sanitise;
  declare readonly narrator: Narrator;
  declare readonly options: FrameOptions;
  declare readonly transcript: Transcript;
  declare lanes?: Lanes.Comparison;
  #lanes?: Promise<unknown>;
  /** Of the assistant that it was loaded for. */
  #voice?: Promise<Voices.Voice | undefined> | undefined;
  #spoken: Assistant | null = null;
  declare files?: ComposerFiles;
  #files?: Promise<unknown>;
  #inbox?: Promise<Inbox | null | undefined>;
  #close: (() => void) | null;
  #name = make("h2");
  #title = make("p", { dir: "auto" });
  #menuPlace: HTMLElement;
  #listButton: HTMLButtonElement;
  /** The list and the menu, once somebody wanted one of them. */
  #conversations?: Made.Conversations;
  #notice = make("div", { class: "notice", hidden: true });
  #desk = make("div", { class: "desk" });
  #composer: Composer;
  #drawer: Drawer | null = null;
  #assistant: Assistant | null = null;
  #observer: ResizeObserver;
  #view: ChatView | null = null;
  /** What the notice says. */
  #noticed: ErrorView | string | null = null;
  /** A failed call that belongs to no message. */
  #reported: ErrorView | null = null;

  constructor(options: FrameOptions) {
    const { texts } = options;
    this.options = options;
    this.texts = texts;
    this.client = options.client;
    this.chat = options.chat;
    this.sanitise = options.sanitise;
    this.narrator = new Narrator(texts);
    this.#close = options.close;
    this.transcript = new Transcript(this);
    this.#menuPlace = this.#menuButton();
    this.#composer = new Composer(this, options.memory);
    this.#listButton = tool(
      "list",
      texts.conversations,
      () => void this.#load().then((made) => made && this.show(this.#drawer === made.list ? null : made.list)),
    );
    this.#listButton.setAttribute("aria-expanded", "false");
    this.#desk.append(this.#head(), this.#notice, this.transcript.element, this.#composer.element);
    this.element = make(
      "div",
      {
        class: "surface",
        lang: texts.language,
        dir: texts.direction,
        onkeydown: (event: KeyboardEvent) => this.onKey(event),
      },
      this.#desk,
      this.narrator.live.element,
      this.narrator.urgent.element,
    );
    this.element.addEventListener("click", firstButtonOnly(), true);
    this.#observer = new ResizeObserver(() => this.#arrange());
    this.#observer.observe(this.element);
  }

  update(view: ChatView, assistant: Assistant | null): void {
    const before = this.#view;
    this.#view = view;
    this.#assistant = assistant;
    if (assistant !== null) this.#composer.limit = assistant.limits.messageCharacters;
    if (view.error !== before?.error) this.#reported = null;
    const isAsked = view.phase === "sending" && before?.phase !== "sending";
    const isUnsent = unsent(view) !== undefined && unsent(view) !== unsent(before);
    drawEach(
      () => this.#composer.update(view),
      () => setText(this.#name, label(assistant?.name ?? this.texts.assistant)),
      () => setText(this.#title, label(view.title ?? "")),
      () => this.transcript.update(view, assistant),
      () => (isAsked || isUnsent) && this.transcript.toQuestion(),
      () => this.#tellMenu(),
      () => void (this.#drawer && hasNews(before, view) && this.#drawer.load()),
      () => this.#drawNotice(view),
      () => this.narrator.update(view),
      // What others ask this user for, and what lets several models be asked, are loaded as soon as they are wanted.
      () =>
        void (assistant?.approves && (this.#inbox ??= loadApprovals().then((made) => made?.show(this, this.#notice)))),
      () =>
        void (
          assistant?.models[1] &&
          this.options.compares &&
          (this.#lanes ??= load<typeof Lanes>(LANES_FILE).then((made) => made?.show(this, AnswerItem, assistant)))
        ),
      () => this.lanes?.update(assistant),
      () => assistant && assistant !== this.#spoken && this.#speak(assistant),
      () => this.files?.accept(assistant?.files ?? null),
      () => this.files?.update(view.conversationId, view.phase === "loading"),
      () =>
        void (assistant?.files && (this.#files ??= loadFiles().then((made) => made?.accept(this, assistant.files!)))),
    );
  }

  /** Not with fingers at work, unless one writes there: the screen's keyboard would come, and nobody has called it. */
  focusComposer(): void {
    this.#composer.update(this.chat.view); // what is typed from now on belongs to what is shown with the next frame
    if (isTouch() && !this.#composer.isAtWork) this.transcript.focus();
    else this.#composer.focus();
  }

  /** Brings back what the user had written. */
  restore(): void {
    this.#composer.restore();
  }

  edit(message: MessageView): void {
    this.#composer.edit(message);
  }

  /** Goes on with what was being edited in another frame, which this one takes the place of. */
  takeOver(before: Frame | null): void {
    const edited = before && before.#composer.edited;
    if (edited) this.#composer.edit(edited.message, edited.text);
  }

  /** Escape closes one thing, and the page does not hear of it. */
  onKey(event: KeyboardEvent): void {
    if (event.key !== "Escape" || isInputMethods(event) || event.defaultPrevented) return;
    event.preventDefault();
    event.stopPropagation();
    if (!this.back()) this.#close?.();
  }

  /** Leaves what was entered last, an edit or the list; returns whether there was any. */
  back(): boolean {
    if (this.#composer.isEditing) this.#composer.cancelEdit();
    else if (this.#drawer) this.show(null);
    else return false;
    return true;
  }

  write(text: string): void {
    this.#composer.write(text);
  }

  report(error: unknown): void {
    this.#reported = asErrorView(error);
    this.narrator.urgent.say(problemText(this.#reported, this.texts));
    if (this.#view !== null) this.#drawNotice(this.#view);
  }

  close(): void {
    this.#observer.disconnect();
    this.transcript.close();
    this.#drawer?.close();
    void this.#inbox?.then((inbox) => inbox?.close());
    this.lanes?.close();
    this.files?.close();
    void this.#voice?.then((voice) => voice?.close());
  }

  /** Another assistant may have another voice, or none. */
  #speak(assistant: Assistant): void {
    void this.#voice?.then((voice) => voice?.close());
    this.#spoken = assistant;
    this.#voice = assistant.voice && load<typeof Voices>(VOICE_FILE).then((made) => made?.show(this, assistant));
  }

  #head(): HTMLElement {
    const { texts } = this;
    const startNew = () => {
      this.chat.startNew();
      this.focusComposer();
    };
    return make(
      "div",
      { class: "head" },
      make("span", { class: "mark" }, icon("spark")),
      make("div", { class: "names" }, this.#name, this.#title),
      this.#menuPlace,
      this.#listButton,
      tool("plus", texts.newConversation, startNew),
      this.#close === null ? null : tool("close", texts.close, this.#close),
    );
  }

  /** Shows something beside the messages, or over them where there is no room for both; null for nothing. */
  show(drawer: Drawer | null): void {
    const before = this.#drawer;
    if (drawer === before) return;
    before?.element.remove();
    this.#drawer = drawer;
    const { list } = this.#conversations!;
    this.#listButton.ariaExpanded = String(drawer === list);
    if (drawer) {
      this.element.prepend(drawer.element);
      void drawer.load();
    }
    this.#arrange();
    if (drawer) drawer.focus();
    else (before === list ? this.#listButton : this.#menuPlace.querySelector("button")!).focus();
  }

  #menuButton(): HTMLElement {
    const open = () => void this.#load().then((made) => made?.menu.toggle());
    const button = tool("more", this.texts.menu, open);
    button.ariaHasPopup = "menu";
    button.ariaExpanded = "false";
    const onkeydown = (event: KeyboardEvent) => {
      if (this.#conversations || event.key !== "ArrowDown") return;
      event.preventDefault();
      open();
    };
    return make("div", { class: "menu-place", hidden: true, onkeydown }, button);
  }

  /** Returns the list and the menu; says so where they do not come, or nothing where the frame is gone by then. */
  async #load(): Promise<Made.Conversations | undefined> {
    const made = await load<typeof Made>(CONVERSATIONS_FILE);
    if (!this.element.isConnected) return;
    if (!made) this.report(NOT_LOADED);
    else if (!this.#conversations) {
      this.#conversations = new made.Conversations(this, this.#menuPlace, this.#notice);
      this.#tellMenu();
    }
    return this.#conversations;
  }

  /** There is a menu for a conversation that somebody has begun, and where anything is remembered of its user. */
  #tellMenu(): void {
    const id = this.chat.view.conversationId;
    const remembers = !!this.#assistant?.memory;
    this.#menuPlace.hidden = id === null && !remembers;
    this.#conversations?.update(id, remembers);
  }

  /** What the drawer covers cannot be reached; beside a column everything can. */
  #arrange(): void {
    this.#desk.inert = !!this.#drawer && getComputedStyle(this.#drawer.element).position === "absolute";
  }

  #drawNotice(view: ChatView): void {
    const { texts } = this;
    const error = this.#reported ?? unsaidError(view);
    const isAway = view.connection === "offline" || view.phase === "reconnecting";
    // Where the network is there it is the server that is away.
    const away = view.phase === "reconnecting" ? texts.reconnecting : texts.errors.network;
    const said = navigator.onLine ? away : texts.offline;
    const shown = isAway ? said : error;
    if (shown === this.#noticed) return;
    this.#noticed = shown;
    this.#notice.hidden = shown === null;
    this.#notice.classList.toggle("error", !isAway && error !== null);
    const parts = isAway
      ? [icon("offline"), make("p", {}, said)]
      : error !== null
        ? [icon("warning"), ...problemParts(this, error, error !== this.#reported)]
        : [];
    fill(this.#notice, ...parts, !isAway && error !== null && error === this.#reported ? this.#dismissButton() : null);
  }

  #dismissButton(): HTMLElement {
    return tool("close", this.texts.close, () => {
      this.#reported = null;
      this.focusComposer();
      if (this.#view !== null) this.#drawNotice(this.#view);
    });
  }
}

/** Returns the id of a message that is on its way. */
function unsent(view: ChatView | null): string | undefined {
  return view?.messages.findLast(({ status }) => status === "sending")?.id;
}

/** Returns the view's error unless a message says it already. */
function unsaidError(view: ChatView): ErrorView | null {
  return view.messages.at(-1)?.status === "failed" ? null : view.error;
}

/** Whether the list of conversations may look different now. */
function hasNews(before: ChatView | null, view: ChatView): boolean {
  return before?.conversationId !== view.conversationId || before?.title !== view.title;
}
