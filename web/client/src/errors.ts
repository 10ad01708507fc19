/** What goes wrong, with the server's codes or the client's own three: `network`, `bad_response`, `signed_out`. */
import type { ErrorView } from "./types";

/** The code of what was asked for a user who is gone. */
export const SIGNED_OUT = "signed_out";

/** What a call of the client rejects with. */
export class FrontdeskError extends Error implements ErrorView {
  declare readonly code: string;
  declare readonly recoverable: boolean;
  declare readonly retryAfterS: number | null;
  /** The HTTP status, where there was an answer. */
  declare readonly status?: number;
  /** What was decided already, where that is why it was refused. */
  declare readonly outcome?: string;

  constructor(told: ErrorView & { status?: number; outcome?: string }) {
    super();
    Object.assign(this, told);
  }
}

/** Returns what was thrown as one of our errors: whatever else it is, nothing came. Only a lost connection may come back. */
export function failure(error?: unknown, code = "network"): FrontdeskError {
  if (error instanceof FrontdeskError) return error;
  return new FrontdeskError({ code, message: code, recoverable: code === "network", retryAfterS: null });
}

/** Returns the error that a response tells, which refuses or has not the JSON that it should have. */
export function refusal({ status, headers }: Response, body: { detail?: string; outcome?: string }): FrontdeskError {
  return new FrontdeskError({
    code: "bad_response",
    ...body,
    message: body.detail ?? "HTTP " + status,
    // The server, or a proxy in front of it, is busy or restarts.
    recoverable: status < 400 || status > 422,
    retryAfterS: Math.min(1e6, +headers.get("retry-after")!) || null, // a timer takes more than 24 days for none
    status,
  });
}
