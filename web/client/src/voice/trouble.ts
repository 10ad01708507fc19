/** What keeps a voice from speaking, or from listening. */
import type { ErrorView } from "../types";

/**
 * - `blocked`: the browser lets nothing sound before somebody has pressed something on the page
 * - `denied`: the microphone is not allowed, or not on a page like this
 * - `missing`: there is no microphone
 * - `unsupported`: this browser cannot do it
 * - `network`: the browser's own recognition cannot be reached
 * - `nothing`: nothing was heard
 * - `failed`: the server, or the browser, did not do it; `error` says more where the server told
 */
export type Trouble = "blocked" | "denied" | "missing" | "unsupported" | "network" | "nothing" | "failed";

export class VoiceError extends Error {
  constructor(
    readonly code: Trouble,
    readonly error: ErrorView | null = null,
  ) {
    super(code);
  }
}
