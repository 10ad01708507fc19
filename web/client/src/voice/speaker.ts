/** Reads the answers of a chat out while they come: those that were asked for on this page, and each of them once. */
import { failure } from "../errors";
import { tell } from "../page-requests";
import type { Chat, ChatView, ErrorView, MessageView } from "../types";
import { BrowserMouth, type Mouth } from "./mouths";
import { Reading, SPOKEN, type SpokenWords, type Utterance } from "./reading";
import { type Trouble, VoiceError } from "./trouble";

/** Immutable, as a chat's view is. */
export interface SpeakerView {
  /** Whether answers are read out as they come. */
  readonly isOn: boolean;
  /** What is said now, and of which message; null while nothing is. */
  readonly saying: { readonly messageId: string; readonly text: string } | null;
  /** Why the last thing was not said; null again as soon as something is. */
  readonly trouble: Trouble | null;
  /** What the server told of that. */
  readonly error: ErrorView | null;
  /** Whether the browser speaks in the server's place, for that failed. */
  readonly isStandIn: boolean;
}

export interface Speaker {
  readonly view: SpeakerView;
  /** Calls the listener after each change; returns the function that ends this. */
  subscribe(listener: (view: SpeakerView) => void): () => void;
  /** Reads answers out from now on, or not any more. To be called while somebody presses something. */
  turn(isOn: boolean): void;
  /** Reads one message out, whichever it is. To be called while somebody presses something. */
  read(message: Pick<MessageView, "id" | "text">): void;
  /** Is quiet at once; the rest of the answer is not read out. With `run` what is being answered is stopped as well. */
  stop(options?: { run?: boolean }): void;
  close(): void;
}

export interface SpeakerOptions {
  /** The language of what does not tell its own; the browser's. */
  language?: string;
  words?: SpokenWords;
}

/** What it needs of a chat. */
export type SpokenChat = Pick<Chat, "view" | "subscribe" | "stop">;

const QUIET: SpeakerView = { isOn: false, saying: null, trouble: null, error: null, isStandIn: false };
/** Of all tabs of a browser one speaks. */
const LOCK = "frontdesk.voice";

export class ChatSpeaker implements Speaker {
  view = QUIET;
  #chat: SpokenChat;
  #mouth: Mouth;
  #standIn = new BrowserMouth();
  #options: SpeakerOptions;
  #listeners = new Set<(view: SpeakerView) => void>();
  #leave: () => void;
  #before: ChatView;
  /** The messages of the user that were seen on their way. */
  #sent = new Set<string>();
  /** The answers that were there when something was asked here: they are not the one to it. Null while nothing is read. */
  #known: Set<string> | null = null;
  #reading: Reading | null = null;
  #messageId = "";
  /** What was read of it, and all that was given of that. */
  #text = "";
  #given: string[] = [];
  #queue: Utterance[] = [];
  /** Aborted when it is to be quiet. */
  #talking: AbortController | null = null;

  constructor(chat: SpokenChat, mouth: Mouth, options: SpeakerOptions) {
    this.#chat = chat;
    this.#mouth = mouth;
    this.#options = options;
    this.#before = chat.view;
    this.#leave = chat.subscribe((view) => this.#follow(view));
    // A browser may go on speaking for a page that is gone.
    globalThis.addEventListener?.("pagehide", this.#hush);
  }

  subscribe = (listener: (view: SpeakerView) => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  turn = (isOn: boolean) => {
    if (isOn) this.#mouth.unlock();
    else this.#hush();
    this.#show({ isOn, trouble: null, error: null, isStandIn: false });
  };

  read = ({ id, text }: Pick<MessageView, "id" | "text">) => {
    this.#mouth.unlock();
    this.#hush();
    this.#begin(id);
    this.#take(text, true);
  };

  stop = ({ run = false }: { run?: boolean } = {}) => {
    this.#hush();
    if (run) void this.#chat.stop();
  };

  close = () => {
    this.#hush();
    this.#leave();
    this.#mouth.close();
    this.#listeners.clear();
    globalThis.removeEventListener?.("pagehide", this.#hush);
  };

  /** Looks what the chat has become: something was asked, an answer goes on, or what is read is there no more. */
  #follow(view: ChatView): void {
    const before = this.#before;
    this.#before = view;
    const { messages } = view;
    const isSent = (message: MessageView) => message.status === "sending" && !this.#sent.has(message.id);
    const fresh = messages.filter(isSent);
    for (const { id } of fresh) this.#sent.add(id);
    // Only what was asked on this page is on its way here; what goes on after a reload, or in another tab, is not.
    if (fresh.length || (view.phase === "sending" && before.phase !== "sending")) {
      this.#hush();
      this.#known = new Set(messages.map(({ id }) => id));
      return;
    }
    if (this.#messageId && !messages.some(({ id }) => id === this.#messageId)) this.#hush();
    if (this.#known === null || !this.view.isOn) return;
    const answer = messages.findLast(({ id, role }) => role === "assistant" && !this.#known!.has(id));
    if (answer) this.#goOn(answer);
  }

  #goOn({ id, text, status }: MessageView): void {
    if (status === "cancelled") return this.#hush();
    if (this.#reading === null || id !== this.#messageId) this.#begin(id);
    const isWhole = !["streaming", "awaiting_input"].includes(status);
    // Where it waits for somebody, its sentence is over.
    this.#take(status === "awaiting_input" ? `${text}\n\n` : text, isWhole);
    if (isWhole) this.#known = null;
  }

  #begin(messageId: string): void {
    const language = this.#options.language || globalThis.navigator?.language || "en";
    this.#reading = new Reading(language, this.#options.words ?? SPOKEN);
    this.#messageId = messageId;
    this.#text = "";
    this.#given = [];
  }

  /** Takes what there is of the answer. Where some of it was taken back, what was said of the rest is not said again. */
  #take(text: string, isWhole: boolean): void {
    if (!text.startsWith(this.#text)) {
      const given = this.#given;
      this.#begin(this.#messageId);
      this.#queue = [];
      const all = this.#reading!.read(text, isWhole);
      const same = all.findIndex((one, at) => one.text !== given[at]);
      this.#add(same < 0 ? [] : all.slice(same));
      this.#given = all.map((one) => one.text);
    } else this.#add(this.#reading!.read(text, isWhole));
    this.#text = text;
  }

  #add(utterances: readonly Utterance[]): void {
    this.#given.push(...utterances.map(({ text }) => text));
    this.#queue.push(...utterances);
    if (this.#queue.length && !this.#talking) void this.#talk();
  }

  async #talk(): Promise<void> {
    const talking = (this.#talking = new AbortController());
    const { signal } = talking;
    const release = this.#claim(signal);
    try {
      for (let next; !signal.aborted && (next = this.#queue.shift());) {
        this.#show({ saying: { messageId: this.#messageId, text: next.text }, trouble: null });
        const said = this.#say(next, signal);
        if (this.#queue[0] && !this.view.isStandIn) this.#mouth.prepare?.(this.#queue[0], signal);
        await said;
      }
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    } finally {
      release();
      if (this.#talking === talking) {
        this.#talking = null;
        this.#show({ saying: null });
        if (this.#queue.length) void this.#talk();
      }
    }
  }

  async #say(utterance: Utterance, signal: AbortSignal): Promise<void> {
    if (this.view.isStandIn) return this.#standIn.say(utterance, signal);
    try {
      await this.#mouth.say(utterance, signal);
    } catch (thrown) {
      const isOurs = thrown instanceof VoiceError && thrown.code !== "blocked";
      if (signal.aborted || !isOurs || this.#mouth instanceof BrowserMouth) throw thrown;
      // The browser speaks for the rest of what is read, and is told of as such.
      this.#show({ isStandIn: true, error: thrown.error });
      await this.#standIn.say(utterance, signal);
    }
  }

  #fail(thrown: unknown): void {
    this.#queue = [];
    this.#known = null;
    const trouble = thrown instanceof VoiceError ? thrown.code : "failed";
    this.#show({ trouble, error: thrown instanceof VoiceError ? (thrown.error ?? this.view.error) : failure(thrown) });
  }

  /** Is quiet, and forgets what it was about to say. */
  #hush = () => {
    this.#queue = [];
    this.#known = this.#reading = null;
    this.#messageId = "";
    this.#talking?.abort();
    this.#talking = null;
    if (this.view.saying || this.view.isStandIn) this.#show({ saying: null, isStandIn: false, error: null });
  };

  /** Takes the voice from the other tabs of this browser; where another one takes it, this one is quiet. */
  #claim(signal: AbortSignal): () => void {
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    globalThis.navigator?.locks
      ?.request(LOCK, { steal: true }, () => held)
      .catch(({ name }) => void (name === "AbortError" && !signal.aborted && this.#hush()));
    return release;
  }

  #show(changed: Partial<SpeakerView>): void {
    this.view = { ...this.view, ...changed };
    tell(this.#listeners, this.view);
  }
}
