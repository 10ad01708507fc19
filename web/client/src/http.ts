/** Requests with the user's token, and whether the server is reached. */
import { failure, refusal, SIGNED_OUT } from "./errors";
import { ownerOf } from "./owner";
import { backoff, firstRetryMs, setClock, TRIES } from "./timing";
import type { ChatView, ClientOptions } from "./types";

export interface RequestOptions {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

export type Http = ReturnType<typeof openHttp>;

/** `left` is called when a user is gone: nothing of theirs arrives any more, and nothing of theirs leaves. */
export function openHttp({ url, token, fetch = globalThis.fetch, onUserChange }: ClientOptions, left: () => void) {
  const base = url.replace(/\/+$/, "");
  let owner = "";

  /**
   * Returns the response, whatever its status; after a 401 that to a second request, for which the token is asked for again.
   * Rejects with a `FrontdeskError` where there was no response.
   */
  async function request(method: string, path: string, options: RequestOptions, isFirst = true): Promise<Response> {
    const { body, headers, signal = http.user.signal } = options;
    try {
      const given = await bearer();
      const response = await fetch(base + path, {
        method,
        headers: {
          ...headers,
          ...(given && { authorization: `Bearer ${given}` }),
          "content-type": "application/json",
        },
        body: JSON.stringify(body),
        signal,
      });
      signal.throwIfAborted();
      setClock(response.headers.get("date"));
      reach("online");
      return response.status === 401 && token && isFirst ? request(method, path, options, false) : response;
    } catch (error) {
      if (!signal.aborted) reach("offline");
      throw failure(error);
    }
  }

  /** Returns a successful response; rejects with a `FrontdeskError` otherwise. */
  async function call(method: string, path: string, body?: unknown): Promise<Response> {
    const response = await request(method, path, { body });
    if (!response.ok) throw refusal(response, await json(response));
    return response;
  }

  /** Returns the JSON of a successful response. */
  async function read<Body>(path: string, method = "GET", sent?: unknown): Promise<Body> {
    return json(await call(method, path, sent));
  }

  /** Posts what must arrive, again while the failure is temporary, and its user is there. */
  async function insist(path: string, body?: unknown, tries = 1): Promise<unknown> {
    const { signal } = http.user;
    try {
      return await call("POST", path, body);
    } catch (error) {
      const lost = failure(error);
      if (tries >= TRIES || !lost.recoverable) throw lost;
      await new Promise((resolve) => setTimeout(resolve, backoff(tries, firstRetryMs, lost)));
      signal.throwIfAborted();
      return insist(path, body, tries + 1);
    }
  }

  /** Asks for the token. Where it is somebody else's than the last one, that one has left, and with them this request. */
  async function bearer(): Promise<string> {
    const { signal } = http.user;
    const given = (await token?.()) ?? "";
    const next = ownerOf(given);
    if (owner && owner !== next && !signal.aborted) {
      signOut();
      onUserChange?.();
    }
    signal.throwIfAborted();
    owner = next;
    return given;
  }

  function signOut(): void {
    const { user } = http;
    http.user = new AbortController();
    owner = "";
    user.abort(failure(0, SIGNED_OUT, "Signed out"));
    left();
  }

  function reach(connection: ChatView["connection"], isNews = connection !== http.connection): void {
    http.connection = connection;
    if (isNews) http.listeners.forEach((listener) => listener());
  }

  const http = {
    connection: "online" as ChatView["connection"],
    /** Aborted when the user of what begins now is gone. Who has a signal of their own looks for themselves. */
    user: new AbortController(),
    /** Returns whose the token is now. Rejects where it is somebody else's than before. */
    owner: () => bearer().then(() => owner),
    signOut,
    /** Called when it is reached or not any more, and when the page is looked at again or left. */
    listeners: new Set<() => void>(),
    request,
    call,
    read,
    insist,
  };
  // In Node there is no page, and nothing to listen to.
  for (const type of ["online", "offline", "visibilitychange", "pageshow", "focus"]) {
    globalThis.addEventListener?.(type, () => {
      reach(type === "online" || type === "offline" ? type : http.connection, true);
      if (owner) bearer().catch(() => {}); // somebody else may sit here now
    });
  }
  return http;
}

/** Returns a response's JSON. Rejects with a `FrontdeskError` where there is none. */
export function json(response: Response): Promise<any> {
  return response.json().catch(() => {
    throw refusal(response, {});
  });
}
