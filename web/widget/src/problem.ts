/** What went wrong, in the user's language, and the one thing that helps. Nothing is offered that cannot work. */
import type { ChatView, ErrorView, MessageView } from "@frontdesk/client";
import type { WidgetContext } from "./context";
import { make } from "./dom";
import { formatSpan } from "./format";
import { takes } from "./offers";
import type { ErrorText, Texts } from "./texts";

/**
 * - `retry`: the same again
 * - `change`: the message, before it is sent again
 * - `anew`: a new conversation with this message
 * - `newest`: reads the conversation again; what was written goes back to the composer
 */
type Remedy = "retry" | "change" | "anew" | "newest";

/** By the codes of docs/wire.md and the client's own. Where only others can help there is no button. */
const KINDS: Record<string, [ErrorText, Remedy?]> = {
  network: ["network", "retry"],
  request_timeout: ["network", "retry"],
  // The page is asked for its token again: it may have got a new one by then.
  unauthorized: ["unauthorized", "retry"],
  forbidden: ["forbidden"],
  rate_limited: ["rate_limited", "retry"],
  quota_exceeded: ["rate_limited", "retry"],
  model_rate_limited: ["rate_limited", "retry"],
  overloaded: ["overloaded", "retry"],
  run_active: ["active", "retry"],
  not_found: ["deleted", "anew"],
  no_assistant: ["unusable"],
  superseded: ["changed", "newest"],
  not_waiting: ["changed", "newest"],
  payload_too_large: ["too_large", "change"],
  invalid_request: ["invalid", "change"],
  idempotency_mismatch: ["other", "retry"],
  model_unavailable: ["model", "retry"],
  model_timeout: ["model", "retry"],
  model_refused: ["refused", "change"],
  model_quota: ["unusable"],
  model_unauthorized: ["unusable"],
  context_too_long: ["too_long", "anew"],
  interrupted: ["interrupted", "retry"],
  deadline: ["late", "retry"],
  step_limit: ["steps", "retry"],
  internal: ["other", "retry"],
};

/** An answer in which there is nothing to see. */
export const NO_ANSWER: ErrorView = { code: "model_unavailable", message: "", recoverable: true, retryAfterS: null };

/** What a button needs does not come. */
export const NOT_LOADED: ErrorView = { code: "network", message: "", recoverable: false, retryAfterS: null };

/** Returns the sentence, and when one may try again. */
export function problemText(error: ErrorView, texts: Texts): string {
  const said = sentence(error, texts);
  if (error.retryAfterS === null) return said;
  return `${said} ${texts.tryAgainIn(formatSpan(Math.ceil(error.retryAfterS), texts))}`;
}

/** Returns what a view's error means: of what was never begun nothing was deleted, so where no file is missing it is the assistant. */
export function errorOf(error: ErrorView, { conversationId, messages }: ChatView): ErrorView {
  const isBegun = conversationId !== null || messages.some(({ files }) => files.length > 0);
  return error.code === "not_found" && !isBegun ? { ...error, code: "no_assistant" } : error;
}

/** Returns what to show of an error: the sentence and, where something helps, the button. */
export function problemParts(context: WidgetContext, told: ErrorView, helps = true): HTMLElement[] {
  const error = errorOf(told, context.chat.view);
  const button = helps ? remedyButton(context, error) : null;
  const text = button === null ? problemText(error, context.texts) : sentence(error, context.texts);
  return [make("p", {}, text), ...(button === null ? [] : [button])];
}

/** Returns what a call of the client rejected with, as a view. What is loaded later has a client, and its classes, of its own. */
export function asErrorView(error: unknown): ErrorView {
  if ("retryAfterS" in Object(error)) return error as ErrorView;
  return { code: "internal", message: "", recoverable: false, retryAfterS: null };
}

function kindOf({ code, recoverable }: ErrorView): [ErrorText | null, Remedy?] {
  // It did nothing but think: that may go better next time.
  if (code === "model_refused" && recoverable) return ["thought", "retry"];
  if (Object.hasOwn(KINDS, code)) return KINDS[code]!;
  return recoverable ? [null, "retry"] : [null];
}

function sentence(error: ErrorView, texts: Texts): string {
  const [kind] = kindOf(error);
  if (kind === null) return `${texts.errors.other} ${error.message}`.trim();
  // It names the field, in English: better than nothing.
  return kind === "invalid" ? `${texts.errors.invalid} ${error.message}`.trim() : texts.errors[kind];
}

function remedyButton(context: WidgetContext, error: ErrorView): HTMLButtonElement | null {
  const { texts, chat } = context;
  const [, remedy] = kindOf(error);
  const question = chat.view.messages.findLast(({ role }) => role === "user");
  const labels: Record<Remedy, string> = {
    retry: texts.retry,
    change: texts.changeMessage,
    anew: question === undefined ? texts.newConversation : texts.askAnew,
    newest: texts.showNewest,
  };
  if (remedy === undefined || (remedy === "change" && question === undefined)) return null;
  const press = () => takes(context) && help(context, remedy, question);
  const button = make("button", { type: "button", class: "button", onclick: press }, labels[remedy]);
  if (error.retryAfterS !== null) countDown(button, performance.now() + error.retryAfterS * 1000, texts);
  return button;
}

function help(context: WidgetContext, remedy: Remedy, question: MessageView | undefined): void {
  const { chat } = context;
  context.focusComposer();
  if (remedy === "retry") void chat.retry();
  else if (remedy === "change") context.edit(question!);
  else if (remedy === "anew") {
    chat.startNew();
    // Its files are still its own, where the server never had it.
    if (question !== undefined) void chat.send(question.text, question.status === "failed" ? question : {});
  } else {
    const unsent = question?.status === "failed" ? question.text : "";
    void chat.open(chat.view.conversationId!);
    context.write(unsent);
  }
}

/** Before the server wants to hear of it again, trying cannot work. */
function countDown(button: HTMLButtonElement, untilMs: number, texts: Texts): void {
  const label = button.textContent ?? "";
  const tick = () => {
    const left = Math.ceil((untilMs - performance.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? `${label} · ${formatSpan(left, texts)}` : label;
    if (left > 0) setTimeout(() => button.isConnected && tick(), 250);
  };
  tick();
}
