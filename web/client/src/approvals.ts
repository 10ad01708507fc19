/** What waits for this user's yes although somebody else asked for it. An entry of its own: who approves nothing does not load it. */
import { camel } from "./camel";
import { pathOf } from "./conversations";
import { refusal } from "./errors";
import { Http, json } from "./http";
import { tell } from "./page-requests";
import type { ApprovalView, ClientOptions, Decision } from "./types";

/** How often it is asked for while the page is looked at. */
const EVERY_MS = 10_000;

export interface OpenApproval extends Omit<ApprovalView, "decision" | "mayAlways"> {
  readonly runId: string;
  /** Who asked, as the token names them. */
  readonly askedBy: string;
  readonly askedAt: string;
  readonly branchId: number | string | null;
}

/** What is open, the oldest first, as a store: a change is a new list. */
export interface Approvals {
  readonly items: readonly OpenApproval[];
  /** Calls the listener after each change; returns the function that ends this. */
  subscribe(listener: (items: readonly OpenApproval[]) => void): () => void;
  /**
   * Answers for the user who asked, and returns what was decided: `approved` or `denied`. Rejects with a `FrontdeskError`;
   * its `outcome` says what was decided where somebody was faster, and not of the same mind.
   */
  decide(approval: OpenApproval, decision: Decision): Promise<string>;
  close(): void;
}

/**
 * Asks for what is open, at once, whenever the page is looked at, and every ten seconds while it is. With the token of another
 * user, or of nobody, the list is empty at once. `options` are those of the client.
 */
export function watchApprovals({ url, token, fetch }: ClientOptions, everyMs = EVERY_MS): Approvals {
  const http = new Http({ url, ...(token && { token }), ...(fetch && { fetch }) }, () => forget());
  const listeners = new Set<(items: readonly OpenApproval[]) => void>();
  const { document } = globalThis;
  let items: readonly OpenApproval[] = [];
  let tag = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;

  function show(next: readonly OpenApproval[]): void {
    items = next;
    tell(listeners, items);
  }

  function forget(): void {
    tag = "";
    show([]);
  }

  async function ask(): Promise<void> {
    clearTimeout(timer);
    if (isClosed || document?.hidden) return;
    let waitMs = everyMs;
    try {
      const response = await http.request("GET", "/approvals", tag ? { headers: { "if-none-match": tag } } : {});
      if (isClosed) return;
      if (response.ok) {
        tag = response.headers.get("etag") ?? "";
        show((await json(response)).items.map(camel));
      } else if (response.status !== 304) {
        const { retryAfterS, recoverable } = refusal(response, {});
        if (!recoverable && items.length > 0) show([]); // they may not any more
        waitMs = Math.max(waitMs, (retryAfterS ?? 0) * 1000);
      }
    } catch {
      // Nobody is there, or nothing: then it is asked again.
    }
    clearTimeout(timer);
    if (!isClosed) timer = setTimeout(ask, waitMs);
  }

  const look = () => void ask();
  document?.addEventListener("visibilitychange", look);
  look();
  return {
    get items() {
      return items;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async decide({ runId, toolCallId }, decision) {
      const body = { tool_call_id: toolCallId, ...decision };
      const response = await http.request("POST", `/runs/${encodeURIComponent(runId)}/decisions`, { body });
      const wanted = decision.approve ? "approved" : "denied";
      const told = response.ok ? {} : await json(response);
      tag = "";
      look();
      if (!response.ok && (told.outcome !== wanted || decision.arguments)) throw refusal(response, told);
      show(items.filter((one) => one.toolCallId !== toolCallId));
      return wanted;
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
      listeners.clear();
      http.signOut();
      http.closed.abort();
      document?.removeEventListener("visibilitychange", look);
    },
  };
}

/** Ends every "always" of a conversation: from now on its tools ask again. A page that is loaded anew should do so. */
export async function endAlways({ url, token, fetch }: ClientOptions, conversationId: string): Promise<void> {
  const http = new Http({ url, ...(token && { token }), ...(fetch && { fetch }) }, () => {});
  http.closed.abort(); // it has nothing to forget
  await http.call(`${pathOf(conversationId)}/always`, "DELETE");
}
