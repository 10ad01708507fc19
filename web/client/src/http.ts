/** Requests with the user's token, and whether the server is reached. */
import { failure, refusal } from "./errors";
import { backoff, firstRetryMs, sleep, TRIES } from "./timing";
import type { ClientOptions } from "./types";

export interface RequestOptions {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal | null;
}

export type Http = ReturnType<typeof openHttp>;

export function openHttp({ url, token, fetch = globalThis.fetch }: ClientOptions) {
  const base = url.replace(/\/+$/, "");

  /**
   * Returns the response, whatever its status; after a 401 that to a second request, for which the token is asked for again.
   * Rejects with a `FrontdeskError` where there was no response.
   */
  async function request(method: string, path: string, options: RequestOptions): Promise<Response> {
    const response = await send(method, path, options);
    return response.status === 401 && token ? send(method, path, options) : response;
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

  /** Posts what must arrive, again while the failure is temporary. */
  async function insist(path: string, body?: unknown, tries = 1): Promise<unknown> {
    try {
      return await call("POST", path, body);
    } catch (error) {
      const lost = failure(error);
      if (tries >= TRIES || !lost.recoverable) throw lost;
      await sleep(backoff(tries, firstRetryMs, lost));
      return insist(path, body, tries + 1);
    }
  }

  async function send(method: string, path: string, { body, headers, signal }: RequestOptions): Promise<Response> {
    try {
      const bearer = await token?.();
      const response = await fetch(base + path, {
        method,
        headers: {
          ...headers,
          ...(bearer && { authorization: `Bearer ${bearer}` }),
          "content-type": "application/json",
        },
        body: JSON.stringify(body),
        signal: signal!,
      });
      reach(true);
      return response;
    } catch (error) {
      if (!signal?.aborted) reach(false);
      throw failure(error);
    }
  }

  function reach(isReachable: boolean, isNews = isReachable !== http.isReachable): void {
    http.isReachable = isReachable;
    if (isNews) http.listeners.forEach((listener) => listener());
  }

  const http = {
    isReachable: true,
    /** Called when that changes, and when the page is looked at again or left. */
    listeners: new Set<() => void>(),
    request,
    call,
    read,
    insist,
  };
  // In Node there is no page, and nothing to listen to.
  for (const type of ["online", "offline", "visibilitychange"]) {
    globalThis.addEventListener?.(type, () =>
      reach(type !== "offline" && (http.isReachable || type === "online"), true),
    );
  }
  return http;
}

/** Returns a response's JSON. Rejects with a `FrontdeskError` where there is none. */
export function json(response: Response): Promise<any> {
  return response.json().catch(() => {
    throw refusal(response, {});
  });
}
