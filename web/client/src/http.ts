/** Requests with the user's token, and whether the server is reached. */
import { failure, refusal, SIGNED_OUT } from "./errors";
import { ownerOf } from "./owner";
import { tell } from "./page-requests";
import { backoff, firstRetryMs, TRIES } from "./timing";
import type { ChatView, ClientOptions } from "./types";

export interface RequestOptions {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

export class Http {
  connection: ChatView["connection"] = "online";
  /** How much later it is at the server than here, by a response's `Date`; pages of other origins may not see that. */
  aheadMs = 0;
  /** Aborted when the user of what begins now is gone. Who has a signal of their own looks for themselves. */
  user = new AbortController();
  /** Called when it is reached or not any more, and when the page is looked at again or left. */
  readonly listeners = new Set<(told: string) => void>();
  /** Ends the listening to the page. */
  readonly closed = new AbortController();
  #options;
  #left;
  #owner = "";

  /** `left` is called when a user is gone: nothing of theirs arrives any more, and nothing of theirs leaves. */
  constructor(options: ClientOptions, left: () => void) {
    this.#options = options;
    this.#left = left;
    // In Node there is no page, and nothing to listen to.
    for (const type of ["online", "offline", "visibilitychange", "pageshow", "focus"])
      globalThis.addEventListener?.(type, this.#look, this.closed);
  }

  /**
   * Returns the response, whatever its status; after a 401 that to a second request, for which the token is asked for again.
   * Rejects with a `FrontdeskError` where there was no response.
   */
  async request(method: string, path: string, options: RequestOptions): Promise<Response> {
    const { signal = this.user.signal } = options;
    const ask = () => this.#fetch(method, path, { ...options, signal });
    try {
      let response = await ask();
      if (response.status === 401 && this.#options.token) response = await ask();
      signal.throwIfAborted();
      this.aheadMs = Date.parse(response.headers.get("date")!) - Date.now() || this.aheadMs;
      this.#reach("online");
      return response;
    } catch (error) {
      if (!signal.aborted) this.#reach("offline");
      throw failure(error);
    }
  }

  /** Returns a successful response; rejects with a `FrontdeskError` otherwise. */
  async call(path: string, method = "GET", body?: unknown): Promise<Response> {
    const response = await this.request(method, path, { body });
    if (!response.ok) throw refusal(response, await json(response));
    return response;
  }

  /** Returns the JSON of a successful response. */
  async read<Body>(path: string, method?: string, body?: unknown): Promise<Body> {
    return json(await this.call(path, method, body));
  }

  /** Posts what must arrive, again while the failure is temporary, and its user is there. */
  async insist(path: string, body?: unknown, tries = 1): Promise<unknown> {
    const { signal } = this.user;
    try {
      return await this.call(path, "POST", body);
    } catch (error) {
      const lost = failure(error);
      if (!lost.recoverable || tries >= TRIES) throw lost;
      await new Promise((resolve) => setTimeout(resolve, backoff(tries, firstRetryMs, lost)));
      signal.throwIfAborted();
      return this.insist(path, body, tries + 1);
    }
  }

  /** Returns whose the token is now. Rejects where it is somebody else's than before. */
  owner = () => this.#bearer().then(() => this.#owner);

  signOut = () => {
    this.user.abort(failure(0, SIGNED_OUT));
    this.user = new AbortController();
    this.#owner = "";
    this.#left();
  };

  async #fetch(method: string, path: string, { body, headers, signal }: RequestOptions): Promise<Response> {
    const { url, fetch = globalThis.fetch } = this.#options;
    const token = await this.#bearer();
    return fetch(url.replace(/\/*$/, path), {
      method,
      headers: { "content-type": "application/json", ...headers, ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
      signal: signal!,
    });
  }

  /** What the page throws in place of a token looks like a lost connection: only here it can be told. */
  #ask = async () => {
    try {
      return await this.#options.token?.();
    } catch (error) {
      console.error(error);
      throw error;
    }
  };

  /** Asks for the token. Where it is somebody else's than the last one, that one has left, and with them this request. */
  async #bearer(): Promise<string> {
    const { signal } = this.user;
    const given = (await this.#ask()) ?? "";
    const next = ownerOf(given);
    if (this.#owner && this.#owner !== next && !signal.aborted) {
      this.signOut();
      this.#options.onUserChange?.();
    }
    signal.throwIfAborted();
    this.#owner = next;
    return given;
  }

  #reach(connection: ChatView["connection"]): void {
    if (connection === this.connection) return;
    this.connection = connection;
    tell(this.listeners, connection);
  }

  /** The page is looked at or left, or the network comes or goes. */
  #look = ({ type }: Event) => {
    if (/line/.test(type)) this.connection = type as ChatView["connection"];
    tell(this.listeners, type);
    if (this.#owner) this.#bearer().catch(() => {}); // somebody else may sit here now
  };
}

/** Returns a response's JSON. Rejects with a `FrontdeskError` where there is none. */
export function json(response: Response): Promise<any> {
  return response.json().catch(() => {
    throw refusal(response, {});
  });
}
