/** A card that asks before something is done. */
import type { ApprovalView } from "@frontdesk/client";
import { argumentList } from "./activity";
import type { WidgetContext } from "./context";
import { fill, make } from "./dom";
import { formatMoment } from "./format";
import { icon } from "./icons";

/** So long nothing is said yes to: a click that was meant for what stood there before must not hit it. */
const CALM_MS = 500;

export class ApprovalCard {
  readonly element: HTMLElement;
  #context: WidgetContext;
  #footer = make("div", { class: "choice" });
  #approval: ApprovalView;
  #timer = 0;

  constructor(context: WidgetContext, approval: ApprovalView) {
    const { texts } = context;
    this.#context = context;
    this.#approval = approval;
    this.element = make(
      "section",
      { class: "approval", "aria-label": texts.approval },
      make("h3", {}, icon("shield"), texts.approval),
      make("p", { class: "title", dir: "auto" }, approval.title || approval.name),
      argumentList(approval.arguments),
      this.#footer,
    );
    this.#draw();
  }

  update(approval: ApprovalView): void {
    if (approval === this.#approval) return;
    this.#approval = approval;
    this.#draw();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #draw(): void {
    const { texts } = this.#context;
    const { decision, expiresAt } = this.#approval;
    clearTimeout(this.#timer);
    const left = Date.parse(expiresAt) - Date.now();
    const state = decision ? texts[decision] : left > 0 ? "" : texts.expired;
    if (state) fill(this.#footer, make("span", { class: "state" }, state));
    else this.#ask(left);
  }

  #ask(leftMs: number): void {
    const { texts } = this.#context;
    fill(
      this.#footer,
      this.#button(texts.approve, true),
      this.#button(texts.deny, false),
      make("span", { class: "until" }, texts.expiresAt(formatMoment(this.#approval.expiresAt, texts))),
    );
    // Longer than a timer can wait, it will not expire while anybody looks.
    if (leftMs < 2 ** 31) this.#timer = window.setTimeout(() => this.#draw(), leftMs + 50);
  }

  /** A page's script is not its user: its clicks decide nothing. */
  #button(label: string, approve: boolean): HTMLElement {
    const decide = ({ isTrusted }: Event) => {
      if (!isTrusted) return;
      for (const button of this.#footer.querySelectorAll("button")) button.disabled = true;
      this.#context.focusComposer();
      void this.#context.chat.decide(this.#approval.toolCallId, { approve });
    };
    const button = make(
      "button",
      { type: "button", class: approve ? "button primary" : "button", onclick: decide },
      label,
    );
    button.disabled = true;
    setTimeout(() => (button.disabled = false), CALM_MS);
    return button;
  }
}
