/**
 * What is loaded where an assistant has a voice: a button that lets answers be read out, one that takes dictation, and a line
 * that says what goes on. What is dictated is text in the composer and nothing more: it is neither sent nor an answer to
 * anything that asks for a yes.
 */
import type { Assistant, ChatView } from "@frontdesk/client";
import {
  type Dictation,
  type DictationView,
  openDictation,
  type Speaker,
  type SpeakerView,
  watchSpeech,
} from "@frontdesk/client/voice";
import { adopt } from "../adopt";
import { label } from "../bounds";
import { fill, make, setText } from "../dom";
import type { Frame } from "../frame";
import { isInputMethods } from "../keys";
import { ear, loudspeaker } from "../pictures";
import { problemText } from "../problem";
import css from "../styles/voice.css" with { type: "text" };
import { type Words, wordsFor } from "./words";

/** Whether answers are read out, remembered in this tab. */
const KEY = "voice";

export class Voice {
  #frame: Frame;
  #words: Words;
  #speaker: Speaker | null = null;
  #dictation: Dictation | null = null;
  #aloud: HTMLButtonElement;
  #dictate: HTMLButtonElement;
  #said = make("p", { dir: "auto" });
  #acts = make("div", {});
  /** What goes on, and what went wrong: read aloud by screen readers, which are not told what is heard while it grows. */
  #line = make("div", { class: "voice", hidden: true }, this.#said, this.#acts);
  #area: HTMLTextAreaElement;
  #done: HTMLButtonElement;
  #discard: HTMLButtonElement;
  #hush: HTMLButtonElement;
  #announced = "";
  /** Which conversation is dictated into. */
  #shown: string | null;
  #leave = () => {};

  constructor(frame: Frame, assistant: Assistant) {
    const { texts, options, chat } = frame;
    const words = (this.#words = wordsFor(texts.language));
    this.#frame = frame;
    this.#shown = chat.view.conversationId;
    const form = frame.element.querySelector(".composer form")!;
    this.#area = form.querySelector("textarea")!;
    const act = (text: string, onclick: () => unknown) => make("button", { type: "button", onclick }, text);
    this.#done = act(words.done, () => this.#dictation?.finish());
    this.#discard = act(words.discard, () => this.#end());
    this.#hush = act(words.hush, () => this.#speaker?.stop());
    const small = (title: string, picture: SVGElement, onclick: () => unknown) =>
      make("button", { type: "button", class: "voice-tool", title, "aria-label": title, onclick }, picture);
    this.#aloud = small(words.aloud, loudspeaker(), () => this.#turn(this.#aloud.ariaPressed !== "true"));
    this.#dictate = small(words.dictate, ear(), () => this.#listen());
    adopt(frame.element, css);
    form.prepend(this.#line);
    frame.element.addEventListener("keydown", this.#onKey, true);

    const voice = { ...options.access, voice: assistant.voice!, assistant: () => assistant.id };
    const language = navigator.languages.find((tag) => tag.split("-")[0] === texts.language) ?? texts.language;
    if (assistant.voice!.dictation) {
      this.#dictation = openDictation(voice, { language, onText: (text) => this.#write(text) });
      this.#dictation.subscribe(() => this.#draw());
      this.#area.after(this.#dictate);
      this.#leave = chat.subscribe((view) => this.#stay(view));
    }
    if (assistant.voice!.speech) {
      this.#speaker = watchSpeech(voice, chat, { language, words: words.spoken });
      this.#speaker.subscribe(() => this.#draw());
      this.#area.after(this.#aloud);
      this.#speaker.turn(options.memory.get(KEY) === "on");
    }
    this.#draw();
  }

  close(): void {
    this.#leave();
    this.#speaker?.close();
    this.#dictation?.close();
    this.#frame.element.removeEventListener("keydown", this.#onKey, true);
    for (const element of [this.#line, this.#aloud, this.#dictate]) element.remove();
  }

  #turn(isOn: boolean): void {
    this.#speaker!.turn(isOn);
    this.#frame.options.memory.set(KEY, isOn ? "on" : null);
  }

  /** Who begins to speak is not spoken over. */
  #listen(): void {
    const { phase } = this.#dictation!.view;
    if (phase === "listening") return this.#dictation!.finish();
    if (phase !== "idle") return this.#end();
    this.#speaker?.stop();
    this.#dictation!.start();
  }

  #end(): void {
    this.#dictation?.cancel();
    this.#area.focus({ preventScroll: true });
  }

  /** What is said in one conversation is written into no other; a new one gets its id while one speaks. */
  #stay({ conversationId, phase }: ChatView): void {
    if (conversationId === this.#shown) return;
    if (this.#shown !== null || phase === "loading") this.#dictation!.cancel();
    this.#shown = conversationId;
  }

  /** Escape ends what is heard or said, and nothing else; with Shift also what is being answered. */
  #onKey = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || isInputMethods(event)) return;
    const isListening = this.#dictation !== null && this.#dictation.view.phase !== "idle";
    if (!isListening && !this.#speaker?.view.saying) return;
    event.preventDefault();
    event.stopPropagation();
    if (isListening) this.#end();
    else this.#speaker!.stop({ run: event.shiftKey });
  };

  /** Puts what was said where one writes, in the place of what is selected there. */
  #write(text: string): void {
    const { value, selectionStart, selectionEnd } = this.#area;
    const before = value.slice(0, selectionStart);
    const after = value.slice(selectionEnd);
    const parts = [/\S$/.test(before) ? " " : "", text, /^\S/.test(after) ? " " : ""];
    this.#area.setRangeText(parts.join(""), selectionStart, selectionEnd, "end");
    this.#area.dispatchEvent(new InputEvent("input", { bubbles: true }));
    this.#area.focus({ preventScroll: true });
  }

  #draw(): void {
    const speech = this.#speaker?.view;
    const heard = this.#dictation?.view;
    const isListening = heard !== undefined && heard.phase !== "idle";
    this.#aloud.ariaPressed = String(speech?.isOn ?? false);
    this.#dictate.ariaPressed = String(isListening);
    const acts = isListening
      ? [heard.phase === "listening" ? this.#done : null, this.#discard]
      : [speech?.saying ? this.#hush : null];
    const states = [isListening ? this.#hearing(heard) : null, speech?.saying ? this.#words.reading : null];
    const said = states.find(Boolean) ?? this.#trouble(heard, speech);
    this.#line.hidden = !said;
    this.#line.classList.toggle("trouble", !states.some(Boolean));
    setText(this.#said, label(isListening && heard.heard ? heard.heard : (said ?? "")));
    fill(this.#acts, ...acts);
    const announced = speech?.saying && !isListening ? "" : (said ?? "");
    if (announced && announced !== this.#announced) this.#frame.narrator.live.say(announced);
    this.#announced = announced;
    if (speech?.isStandIn && speech.saying) setText(this.#said, this.#words.standIn);
  }

  #hearing({ phase }: DictationView): string {
    const { asking, writing, listening } = this.#words;
    return phase === "asking" ? asking : phase === "writing" ? writing : listening;
  }

  #trouble(heard: DictationView | undefined, speech: SpeakerView | undefined): string | null {
    const { deaf, silent } = this.#words;
    const { texts } = this.#frame;
    for (const [one, words] of [
      [heard, deaf],
      [speech, silent],
    ] as const) {
      if (!one?.trouble) continue;
      const told = (words as Record<string, string>)[one.trouble] ?? words.failed;
      return one.error && one.trouble === "failed" ? `${told} ${problemText(one.error, texts)}` : told;
    }
    return null;
  }
}

/** Gives a frame its voice, if it is still there. */
export function show(frame: Frame, assistant: Assistant): Voice | undefined {
  return frame.element.isConnected ? new Voice(frame, assistant) : undefined;
}
