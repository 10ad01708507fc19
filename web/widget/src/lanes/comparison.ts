/** Answers of several models beside each other, in the place of the one that the conversation has until one is chosen. */
import type { Assistant, Chat } from "@frontdesk/client";
import { isMade, type Lanes, type LanesChat, type LanesView, watchLanes } from "@frontdesk/client/lanes";
import { adopt } from "../adopt";
import { bounded, label } from "../bounds";
import { fill, make } from "../dom";
import type { Frame } from "../frame";
import { LiveRegion } from "../live";
import type { AnswerItem } from "../message";
import { problemText } from "../problem";
import css from "../styles/lanes.css" with { type: "text" };
import { Choice } from "./choice";
import { type Acts, Lane } from "./lane";
import { type Words, wordsFor } from "./words";

export class Comparison {
  /** Stands below the messages, with a lane for each model. */
  readonly element: HTMLElement;
  #frame: Frame;
  #Item: typeof AnswerItem;
  #words: Words;
  #choice: Choice;
  #lanes: Lanes;
  #live = new LiveRegion();
  #sending = make("div", { class: "bubble", dir: "auto" });
  #pending: HTMLElement;
  #board = make("div", { class: "lanes" });
  /** By run. */
  #shown = new Map<string, Lane>();
  /** What was drawn last, to tell what is news. */
  #before: LanesView | null = null;
  #drawing = 0;
  /** Whether somebody has just asked here: then the question is what they look at first. */
  #wasAsked = false;
  #restore: () => void;

  constructor(frame: Frame, Item: typeof AnswerItem) {
    const { texts, chat, options } = frame;
    this.#frame = frame;
    this.#Item = Item;
    this.#words = wordsFor(texts.language);
    this.#pending = make("div", { class: "message user sending" }, this.#sending);
    this.element = make("div", { role: "group", "aria-label": this.#words.lanes, hidden: true });
    this.#choice = new Choice(this.#words, options.memory);
    frame.element.querySelector(".composer form")!.append(this.#choice.element);
    frame.element.append(this.#live.element);
    adopt(frame.element, css);
    this.#lanes = watchLanes(options.access, this.#following(chat), options.compares || {});
    this.#lanes.subscribe(() => (this.#drawing ||= requestAnimationFrame(() => this.#draw())));
    this.#restore = this.#take(chat);
  }

  /** Draws what the conversation has become. */
  update(assistant: Assistant | null): void {
    if (assistant) this.#choice.update(assistant);
    this.#draw();
  }

  close(): void {
    cancelAnimationFrame(this.#drawing);
    this.#restore();
    this.#lanes.close();
    for (const lane of this.#shown.values()) lane.close();
    this.#mark(false);
  }

  /** Sends what is said, by whatever button, to the models that are chosen; and stops all that is made. Returns what undoes that. */
  #take(chat: Chat): () => void {
    const { send, stop } = chat;
    chat.send = (text, options) => {
      // Files go to one model only.
      const models = options?.files?.length ? null : this.#choice.wanted;
      return models && text.trim() ? this.#ask(text, models) : send(text, options);
    };
    chat.stop = async () => void (await Promise.all([stop(), this.#lanes.stop().catch(this.#report)]));
    return () => Object.assign(chat, { send, stop });
  }

  async #ask(text: string, models: readonly string[]): Promise<void> {
    this.#wasAsked = true;
    this.#live.say(this.#frame.texts.answering);
    try {
      await this.#lanes.ask(text, models);
    } catch (error) {
      this.#report(error);
      this.#frame.write(text);
    }
  }

  /** The chat. What is written while a new conversation gets its id is a draft of that one. */
  #following(chat: Chat): LanesChat {
    const { element, options } = this.#frame;
    const area = element.querySelector<HTMLTextAreaElement>(".composer textarea")!;
    const open = (id: string) => {
      if (area.value) options.memory.set(`draft:${id}`, area.value);
      options.memory.set("draft:new", null);
      return chat.open(id);
    };
    return {
      get view() {
        return chat.view;
      },
      subscribe: chat.subscribe,
      open,
    };
  }

  #report = (error: unknown) => this.#frame.report(error);

  #draw(): void {
    this.#drawing = 0;
    const { view } = this.#lanes;
    const { messages } = this.#frame.chat.view;
    const last = messages.at(-1)?.runId;
    const isHere = view.lanes.some(({ answer }) => answer.runId === last);
    const { sending } = view;
    this.element.hidden = sending === null && !isHere;
    this.#sending.textContent = bounded(sending ?? "");
    fill(this.element, sending === null ? null : this.#pending, this.#board);
    this.#drawLanes(isHere ? view : null);
    this.#mark(isHere);
    if (view.error && view.error !== this.#before?.error) this.#report(view.error);
    if (this.#before) this.#tell(this.#before, view);
    this.#before = view;
    if (!isHere || !this.#wasAsked) return;
    this.#wasAsked = false;
    this.#frame.transcript.toQuestion();
  }

  #drawLanes(view: LanesView | null): void {
    const lanes = view?.lanes ?? [];
    const runs = lanes.map(({ answer }) => answer.runId!);
    for (const [run, lane] of this.#shown) {
      if (runs.includes(run)) continue;
      lane.close();
      this.#shown.delete(run);
    }
    const acts: Acts = {
      stop: (run) => void this.#lanes.stop(run).catch(this.#report),
      choose: (run, name) => void this.#choose(run, name),
    };
    const names = namesOf(lanes);
    lanes.forEach((one, at) => {
      const run = runs[at]!;
      const lane = this.#shown.get(run) ?? new Lane(this.#frame, this.#Item, this.#words, acts);
      this.#shown.set(run, lane);
      lane.update(one, names[at]!, view!.chosen);
    });
    fill(this.#board, ...runs.map((run) => this.#shown.get(run)!.element));
  }

  async #choose(run: string, name: string): Promise<void> {
    if (this.#lanes.view.chosen !== null) return;
    this.#frame.focusComposer();
    try {
      await this.#lanes.choose(run);
      this.#live.say(this.#words.used(label(name)));
    } catch (error) {
      this.#report(error);
    }
  }

  /** The widget's own words are for one answer: while there are several these are said here. */
  #mark(isComparing: boolean): void {
    const { element, narrator } = this.#frame;
    const live: Partial<LiveRegion> = narrator.live;
    if (isComparing) live.say = () => {};
    else delete live.say; // as the region does
    element.classList.toggle("comparing", isComparing);
    const root = element.getRootNode();
    if (root instanceof ShadowRoot) root.host.toggleAttribute("comparing", isComparing);
  }

  /** Says which lane has ended, and how. */
  #tell(before: LanesView, view: LanesView): void {
    const { texts } = this.#frame;
    const names = namesOf(view.lanes);
    view.lanes.forEach((one, at) => {
      const { runId, status, error } = one.answer;
      const known = before.lanes.find(({ answer }) => answer.runId === runId);
      if (!known || !isMade(known) || isMade(one)) return;
      const said = status === "cancelled" ? texts.stopped : error ? problemText(error, texts) : texts.answered;
      this.#live.say(`${label(names[at]!)}: ${said}`);
    });
  }
}

/** Returns the lanes' models; of one that fills several, with a number. */
function namesOf(lanes: LanesView["lanes"]): string[] {
  const models = lanes.map(({ model }) => model);
  return models.map((model, at) => {
    const isAlone = models.indexOf(model) === models.lastIndexOf(model);
    return isAlone ? model : `${model} · ${models.slice(0, at + 1).filter((one) => one === model).length}`;
  });
}
