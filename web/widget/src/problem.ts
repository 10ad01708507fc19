/** What went wrong, in the user's language. */
import { type ErrorView, FrontdeskError } from "@frontdesk/client";
import { formatNumber } from "./format";
import type { ErrorText, Texts } from "./texts";

const KINDS: Record<string, ErrorText> = {
  network: "network",
  unauthorized: "unauthorized",
  forbidden: "unauthorized",
  rate_limited: "rate_limited",
  quota_exceeded: "rate_limited",
  model_rate_limited: "rate_limited",
  overloaded: "overloaded",
  model_unavailable: "model",
  model_timeout: "model",
  model_refused: "model",
  context_too_long: "too_long",
};

export function problemText(error: ErrorView, texts: Texts): string {
  const kind = Object.hasOwn(KINDS, error.code) ? KINDS[error.code] : undefined;
  const said = kind === undefined ? `${texts.errors.other} ${error.message}`.trim() : texts.errors[kind];
  if (error.retryAfterS === null) return said;
  return `${said} ${texts.tryAgainIn(formatNumber(Math.ceil(error.retryAfterS), texts))}`;
}

/** Returns what a call of the client rejected with, as a view. */
export function asErrorView(error: unknown): ErrorView {
  if (error instanceof FrontdeskError) return error;
  return { code: "internal", message: "", recoverable: false, retryAfterS: null };
}
