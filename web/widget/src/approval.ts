/**
 * What asks before something is done. What makes it pleasant is a file of its own, loaded when something asks first; until it is
 * there, and where it does not come, a card is plain: what is asked, with all of its arguments, and yes or no.
 */
import type { ApprovalView, MessageView } from "@frontdesk/client";
import type * as Approvals from "./approvals";
import type { WidgetContext } from "./context";
import { fill, make } from "./dom";
import { load } from "./load";
import { withSigns } from "./signs";

declare const APPROVALS_FILE: string;
/** So long nothing is decided: a click that was meant for what stood there before must not hit it. */
const CALM_MS = 500;
/** Longer values are not drawn whole, so a plain card takes no yes to them. */
const MOST_CHARACTERS = 40_000;

export const loadApprovals = () => load<typeof Approvals>(APPROVALS_FILE);

export class ApprovalCard {
  readonly element = make("section", { class: "approval" });
  #context: WidgetContext;
  #rich: Approvals.Card | null = null;
  #latest!: [ApprovalView | undefined, MessageView];
  #drawn = "";

  constructor(context: WidgetContext, approval: ApprovalView, message: MessageView) {
    this.#context = context;
    this.update(approval, message);
    void loadApprovals().then((made) => {
      this.#rich = made && new made.Card(this.element, context);
      this.#rich?.update(...this.#latest);
    });
  }

  /** Shows what is asked, or what became of it; returns whether there is anything to show. */
  update(approval: ApprovalView | undefined, message: MessageView): boolean {
    this.#latest = [approval, message];
    if (this.#rich) return this.#rich.update(approval, message);
    if (approval && approval.hash + approval.decision !== this.#drawn) this.#drawPlain(approval);
    return !!approval;
  }

  close(): void {
    this.#rich?.close();
  }

  #drawPlain({ toolCallId, title, arguments: args, approvers, decision, hash }: ApprovalView): void {
    const { texts, chat } = this.#context;
    this.#drawn = hash + decision;
    this.element.ariaLabel = texts.approval;
    const button = (label: string, approve: boolean) => {
      // A page's script is not its user: its clicks decide nothing.
      const decide = ({ isTrusted }: Event) => {
        if (!isTrusted) return;
        buttons.remove();
        this.#context.focusComposer();
        void chat.decide(toolCallId, { approve });
      };
      const made = make("button", { class: "button", disabled: true, onclick: decide }, label);
      setTimeout(() => (made.disabled = false), CALM_MS);
      return made;
    };
    const asked = withSigns(JSON.stringify(args, null, 1));
    const buttons = make(
      "div",
      { class: "choice" },
      asked.length < MOST_CHARACTERS ? button(texts.approve, true) : null,
      button(texts.deny, false),
    );
    fill(
      this.element,
      make("p", { dir: "auto" }, withSigns(title)),
      make("pre", {}, asked),
      decision || approvers ? null : buttons,
    );
  }
}
