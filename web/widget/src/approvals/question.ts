/** One question: what is to be done, with all its arguments, and what can be said to it. Then what became of it. */
import type { Decision } from "@frontdesk/client";
import type { WidgetContext } from "../context";
import { fill, make, setText } from "../dom";
import { formatMoment } from "../format";
import { withSigns } from "../signs";
import { Box } from "./box";
import { Countdown } from "./countdown";
import { Editor } from "./editor";
import { CALM_MS, isFramed, Trust } from "./trust";
import type { Words } from "./words";

export interface Asked {
  readonly name: string;
  readonly title: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly expiresAt: string;
  readonly hash: string;
  readonly approvers?: readonly string[];
  readonly mayAlways?: boolean;
  readonly askedBy?: string;
}

/** Takes a decision; returns why it was not taken, or null. */
export type Decide = (decision: Decision) => Promise<string | null>;

export class Question {
  #element: HTMLElement;
  #context: WidgetContext;
  #words: Words;
  #asked: Asked;
  #decide: Decide;
  #heading = make("h3");
  #box: Box;
  #trust: Trust | null = null;
  #countdown: Countdown | null = null;
  #editor: Editor | null = null;
  #readReason: (() => string) | null = null;
  #isCalm = false;
  #isBusy = false;
  /** Whether a yes would have been taken at some time. */
  wasReady = false;
  #footer = make("div", { class: "choice" });
  #note = make("p", { class: "note", role: "status" });
  #problem = make("p", { class: "failed", role: "alert" });
  #always = make("input", { type: "checkbox" });
  #approve: HTMLButtonElement;
  #approveAll: HTMLButtonElement;
  #deny: HTMLButtonElement;

  constructor(element: HTMLElement, context: WidgetContext, words: Words, asked: Asked, decide: Decide) {
    const { texts } = context;
    this.#element = element;
    this.#context = context;
    this.#words = words;
    this.#asked = asked;
    this.#decide = decide;
    this.#box = new Box(asked.arguments, words, () => this.#refresh());
    this.#approve = button(texts.approve, "button primary", () => this.#sayYes());
    this.#approveAll = button("", "button", () => this.#onAll());
    this.#approveAll.hidden = true;
    this.#deny = button(texts.deny, "button", () => this.#sayNo());
    this.#draw();
  }

  /** Approves this one and all others that are open; set by who knows them. */
  #onAll: () => void = () => {};

  /** Whether a yes would be taken now: it was seen whole, and for long enough. */
  get isReady(): boolean {
    return !this.#isBusy && this.#trust?.isReady === true && this.#box.isSeen && !isFramed();
  }

  /** Whether its user is changing it, or says why not. */
  get isWriting(): boolean {
    return this.#editor !== null || this.#readReason !== null;
  }

  /** Offers to say yes to so many at once; with 0 it does not. */
  offerAll(count: number, isReady: boolean, onAll: () => void): void {
    this.#onAll = onAll;
    this.#approveAll.hidden = count === 0 || this.#editor !== null;
    setText(this.#approveAll, this.#words.all(count));
    turn(this.#approveAll, isReady);
  }

  /** Called whenever it may be ready, or not any more. */
  onChange: () => void = () => {};

  /** Says yes. Who presses the button of another card has seen this one before. */
  approve(): void {
    if (this.wasReady && !this.#isBusy) this.#say({ approve: true, ...(this.#always.checked && { always: true }) });
  }

  /** Shows what became of it, and by whom or why, in a line; the arguments stay to be looked at. */
  settle(state: string, about: string, isGood: boolean): void {
    this.close();
    this.#element.classList.add("settled");
    const { title, name } = this.#asked;
    const mark = make("span", { class: isGood ? "state good" : "state" }, state);
    const summary = make("summary", { class: "title", dir: "auto" }, withSigns(title || name));
    const said = make("p", {}, mark, about && " ", make("span", { dir: "auto" }, about));
    fill(this.#element, make("details", {}, summary, this.#box.element), said);
  }

  close(): void {
    this.#trust?.close();
    this.#countdown?.close();
    this.#box.close();
    this.#trust = this.#countdown = null;
  }

  #draw(): void {
    const { texts } = this.#context;
    const { title, name, askedBy, approvers } = this.#asked;
    setText(this.#heading, askedBy ? this.#words.askedBy(withSigns(askedBy)) : texts.approval);
    this.#element.ariaLabel = `${this.#heading.textContent}: ${withSigns(title || name)}`;
    const question = make("p", { class: "title", dir: "auto" }, withSigns(title || name));
    const called = make(
      "p",
      { class: "called" },
      `${this.#words.calls}: `,
      make("code", { dir: "ltr" }, withSigns(name)),
    );
    fill(this.#element, this.#heading, question, called, this.#box.element, this.#note, this.#problem, this.#footer);
    if (approvers) return setText(this.#note, this.#words.waitsFor(approvers.map(withSigns).join(", ")));
    this.#trust = new Trust([this.#footer, question, this.#box.element], () => this.#refresh());
    this.#countdown = new Countdown(this.#asked.expiresAt, this.#context, this.#words, () => this.onChange());
    setTimeout(() => {
      this.#isCalm = true;
      this.#refresh();
    }, CALM_MS);
    this.#drawChoice();
  }

  #drawChoice(): void {
    const { texts } = this.#context;
    const words = this.#words;
    const isEditable = Object.keys(this.#asked.arguments).length > 0;
    const always = make("label", { class: "always" }, this.#always, words.always);
    this.#editor = this.#readReason = null;
    setText(this.#approve, texts.approve);
    fill(
      this.#footer,
      this.#approve,
      this.#deny,
      isEditable ? button(words.edit, "button", () => this.#edit()) : null,
      button(words.denyWhy, "button quiet", () => this.#askWhy()),
      this.#approveAll,
      this.#asked.mayAlways ? always : null,
      this.#countdown!.element,
      make("span", { class: "unseen" }, words.until(formatMoment(this.#asked.expiresAt, texts))),
    );
    this.#refresh();
  }

  #edit(): void {
    this.#editor = new Editor(this.#asked.arguments, this.#words);
    this.#enter(this.#editor.element, this.#approve);
    setText(this.#approve, this.#words.approveEdited);
    this.#editor.focus();
  }

  #askWhy(): void {
    const input = make("textarea", { rows: 2, dir: "auto", maxlength: 1000, "aria-label": this.#words.why });
    input.placeholder = this.#words.why;
    this.#readReason = () => input.value.trim();
    this.#enter(make("div", { class: "fields" }, input), this.#deny);
    input.focus();
  }

  /** Shows something to fill in, in the place of the choice. Escape leaves it, and the page does not hear of that. */
  #enter(fields: HTMLElement, done: HTMLElement): void {
    fields.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing) return;
      event.preventDefault();
      event.stopPropagation();
      this.#leave();
    });
    const { cancel } = this.#context.texts;
    fill(
      this.#footer,
      fields,
      done,
      button(cancel, "button", () => this.#leave()),
      this.#countdown!.element,
    );
    this.#refresh();
    this.#footer.scrollIntoView({ block: "nearest" }); // all of it, or its beginning: at its end nobody begins to write
  }

  #leave(): void {
    this.#drawChoice();
    setText(this.#problem, "");
    this.#footer.querySelector<HTMLElement>("button:not(:disabled)")?.focus();
  }

  #sayYes(): void {
    if (!this.isReady) return;
    const edited = this.#editor?.read();
    if (edited === undefined && this.#editor) return;
    if (edited) this.#say({ approve: true, arguments: edited, hash: this.#asked.hash });
    else this.approve();
  }

  #sayNo(): void {
    const reason = this.#readReason?.();
    this.#say({ approve: false, ...(reason && { reason }) });
  }

  #say(decision: Decision): void {
    if (this.#isBusy || !this.#isCalm) return;
    this.#isBusy = true;
    this.#refresh();
    setText(this.#problem, "");
    this.#context.focusComposer();
    void this.#decide(decision).then((refused) => {
      this.#isBusy = false;
      setText(this.#problem, refused ?? "");
      this.#refresh();
    });
  }

  #refresh(): void {
    if (!this.#trust) return;
    this.wasReady ||= this.isReady;
    turn(this.#approve, this.isReady);
    turn(this.#deny, this.#isCalm && !this.#isBusy);
    const words = this.#words;
    setText(this.#note, isFramed() ? words.framed : this.#trust.isCovered ? words.covered : "");
    this.onChange();
  }
}

/** A page's script is not its user: its clicks do nothing. */
function button(label: string, kind: string, onclick: () => void): HTMLButtonElement {
  const press = ({ isTrusted, currentTarget }: Event) => {
    if (isTrusted && (currentTarget as Element).ariaDisabled !== "true") onclick();
  };
  return make("button", { type: "button", class: kind, onclick: press }, label);
}

/** Turns a button on or off. One that has the keyboard keeps it. */
function turn(button: HTMLButtonElement, isOn: boolean): void {
  const hasKeyboard = button.matches(":focus");
  button.disabled = !isOn && !hasKeyboard;
  button.ariaDisabled = String(!isOn);
}
