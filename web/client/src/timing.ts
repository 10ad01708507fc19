/** How long the client waits for what. */
import type { FrontdeskError } from "./errors";

/** Without a byte for so long, pings included, a stream is dead: the server sends one every 15 s at least. */
export let silenceMs = 40_000;
/** Before the first try to come back, until the server's `retry` says otherwise. */
export let firstRetryMs = 2_000;
/** The longest wait between two tries. */
export let longestMs = 30_000;
/** How often something is posted before its sender is told that it does not arrive. */
export const TRIES = 5;

/** Lets tests have less patience. */
export function hurry(longest = 100): void {
  [silenceMs, firstRetryMs, longestMs] = [1000, 20, longest];
}

/** Returns the wait before the next try: doubled each time, spread, so that not all come back at once, never sooner than asked. */
export function backoff(tries: number, retryMs: number, { retryAfterS }: FrontdeskError): number {
  return Math.min(longestMs, retryMs * 2 ** (tries - 1)) * (0.5 + Math.random()) + retryAfterS! * 1000; // 0 where it said nothing
}
