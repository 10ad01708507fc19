import type { AnswerView, Client, ClientOptions } from "./types";
import type { WireEvent } from "./wire";

export type * from "./types";
export type * from "./wire";

/** What a call of the client rejects with. */
export class FrontdeskError extends Error {
  constructor(
    /** One of the server's codes, or `network` or `bad_response` from the client. */
    readonly code: string,
    message: string,
    /** Whether the same call may succeed later. */
    readonly recoverable: boolean,
    readonly retryAfterS: number | null = null,
    /** The HTTP status, where there was an answer. */
    readonly status: number | null = null,
  ) {
    super(message);
    this.name = "FrontdeskError";
  }
}

export function createClient(_options: ClientOptions): Client {
  throw new Error("not built yet");
}

/** An answer before its first event. */
export const emptyAnswer = {} as AnswerView;

/** Returns the answer after one more event. Events come in order; unknown ones change nothing. */
export function reduce(_answer: AnswerView, _event: WireEvent): AnswerView {
  throw new Error("not built yet");
}
