/** Files of the user's: upload them for a message, fetch them, save them. An entry of its own: who takes none does not load it. */
import { pathOf } from "./conversations";
import { FrontdeskError, failure, refusal, SIGNED_OUT } from "./errors";
import { Http } from "./http";
import { ownerOf } from "./owner";
import { tell } from "./page-requests";
import { randomId } from "./turn";
import type { AcceptedFiles, ClientOptions, ErrorView, FileView } from "./types";

/** An upload from which nothing was heard for so long has been cut. */
const STALLED_MS = 60_000;

/** A file on its way, or there. */
export interface Upload {
  /** Stable while it is listed, so good as a key. */
  readonly key: string;
  readonly name: string;
  readonly bytes: number;
  /** What the browser takes it for. */
  readonly type: string;
  /** The file itself, to show a preview of. */
  readonly blob: Blob;
  readonly status: "waiting" | "uploading" | "ready" | "failed";
  /** From 0 to 1. */
  readonly progress: number;
  /** The server's `file_too_large`, `unsupported_file` or `unreadable_file`; `too_many_files`; `network` where it was cut. */
  readonly error: ErrorView | null;
  /** What the server made of it, as soon as it is there. */
  readonly file: FileView | null;
  /** What of it the assistant does not read, in the server's words; null where it reads all. */
  readonly note: string | null;
}

/** The files of a message that is being written, as a store: a change is a new list. */
export interface Uploads {
  readonly items: readonly Upload[];
  /** Calls the listener after each change; returns the function that ends this. */
  subscribe(listener: (items: readonly Upload[]) => void): () => void;
  /** Begins to upload these, one after the other. Those that are too large or too many are listed as failed, and not sent. */
  add(files: Iterable<Blob & { readonly name?: string }>): void;
  /** Uploads once more what failed. */
  retry(key: string): void;
  /** Takes one out, and off the server where it is there. */
  remove(key: string): void;
  /** Resolves when nothing is on its way any more, with the files that are there; rejects with the error of one that failed. */
  settled(): Promise<readonly FileView[]>;
  /** Empties the list: a message has them now. */
  sent(): void;
  /** Ends what is on its way, and takes off the server what no message has. */
  close(): void;
}

/** Reads files with the user's token. Every call rejects with a `FrontdeskError`. */
export interface Files {
  read(id: string): Promise<Blob>;
  /** Opens the list of a message that is being written; `accepted` is the assistant's `files`. */
  uploads(accepted: AcceptedFiles): Uploads;
  /** Ends the listening to the page. Files can be read all the same. */
  close(): void;
}

/** Returns the files of the user whom the token names. `options` are those of the client. */
export function openFiles({ url, token, fetch }: ClientOptions): Files {
  const open = new Set<() => void>();
  const http = new Http({ url, ...(token && { token }), ...(fetch && { fetch }) }, () => open.forEach((end) => end()));

  return {
    read: async (id) => (await http.call(pathOf(id, "files"))).blob(),
    close: () => http.closed.abort(),
    uploads(accepted) {
      const listeners = new Set<(items: readonly Upload[]) => void>();
      let items: readonly Upload[] = [];
      let turn = Promise.resolve();
      /** Ends the upload that is under way. */
      let abort = () => {};

      const show = (next: readonly Upload[]) => {
        items = next;
        tell(listeners, items);
      };
      const find = (key: string) => items.find((one) => one.key === key);
      const change = (key: string, told: Partial<Upload>) =>
        show(items.map((one) => (one.key === key ? { ...one, ...told } : one)));
      const unsend = ({ file }: Upload) => {
        // Where that fails the server drops it by itself, some time later.
        if (file) http.call(pathOf(file.id, "files"), "DELETE").catch(() => {});
      };

      async function upload(key: string): Promise<void> {
        const one = find(key);
        if (one?.status !== "waiting") return;
        change(key, { status: "uploading" });
        try {
          const { note, ...file } = await post(
            one,
            (progress) => change(key, { progress }),
            () => !find(key),
          );
          if (find(key)) change(key, { status: "ready", progress: 1, file, note });
          else unsend({ ...one, file });
        } catch (error) {
          change(key, { status: "failed", progress: 0, error: failure(error) });
        }
      }

      /** Posts one, and asks for the token once more where it was refused. */
      async function post(
        { blob, name }: Upload,
        progress: (part: number) => void,
        isGone: () => boolean,
      ): Promise<FileView & { note: string | null }> {
        const form = new FormData();
        form.append("file", blob, name);
        for (let tries = 1; ; tries++) {
          const owner = await http.owner(); // who is another one by now uploads nothing of the last one's
          const bearer = (await token?.()) ?? "";
          // Taken out, or its user has left, while the token was asked for.
          if (isGone() || ownerOf(bearer) !== owner) throw failure(0, SIGNED_OUT);
          const sending = send(`${url.replace(/\/+$/, "")}/files`, bearer, form, progress);
          abort = sending.abort;
          const { status, text, retryAfter } = await sending.done;
          if (status === 401 && token && tries === 1) continue;
          const body = parsed(text);
          const headers = new Headers(retryAfter ? { "retry-after": retryAfter } : {});
          if (status !== 201) throw refusal({ status, headers } as Response, body);
          const { id, name, media_type, bytes, note = null } = body as unknown as FileView & { note?: string | null };
          return { id, name, media_type, bytes, note };
        }
      }

      const end = () => {
        show([]);
        abort();
      };
      open.add(end);
      return {
        get items() {
          return items;
        },
        subscribe(listener) {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        add(files) {
          const added = Array.from(files, (blob, at): Upload => {
            const code =
              blob.size > accepted.max_bytes
                ? "file_too_large"
                : items.length + at >= accepted.max_per_message
                  ? "too_many_files"
                  : null;
            return {
              key: randomId(),
              name: blob.name || "file",
              bytes: blob.size,
              type: blob.type,
              blob,
              status: code ? "failed" : "waiting",
              progress: 0,
              error: code ? new FrontdeskError({ code, message: code, recoverable: false, retryAfterS: null }) : null,
              file: null,
              note: null,
            };
          });
          show([...items, ...added]);
          for (const { key } of added) turn = turn.then(() => upload(key));
        },
        retry(key) {
          change(key, { status: "waiting", error: null });
          turn = turn.then(() => upload(key));
        },
        remove(key) {
          const one = find(key);
          show(items.filter((other) => other !== one));
          if (one) unsend(one);
          if (one?.status === "uploading") abort();
        },
        async settled() {
          for (let before; before !== turn;) await (before = turn);
          const failed = items.find(({ error }) => error);
          if (failed) throw failed.error;
          return items.flatMap(({ file }) => file ?? []);
        },
        sent: () => show([]),
        close() {
          open.delete(end);
          listeners.clear();
          items.forEach(unsend);
          end();
        },
      };
    },
  };
}

interface Sending {
  done: Promise<{ status: number; text: string; retryAfter: string | null }>;
  abort: () => void;
}

/** Posts a form; only this old way tells a page how much of it has left. Where there is none, all of it leaves at once. */
function send(url: string, bearer: string, form: FormData, progress: (part: number) => void): Sending {
  const headers: Record<string, string> = bearer ? { authorization: `Bearer ${bearer}` } : {};
  if (!globalThis.XMLHttpRequest) {
    const controller = new AbortController();
    const { signal } = controller;
    const done = globalThis.fetch(url, { method: "POST", body: form, headers, signal }).then(async (response) => ({
      status: response.status,
      text: await response.text(),
      retryAfter: response.headers.get("retry-after"),
    }));
    return { done, abort: () => controller.abort() };
  }
  const request = new XMLHttpRequest();
  const done = new Promise<Awaited<Sending["done"]>>((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout>;
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), STALLED_MS);
    };
    request.open("POST", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => {
      heard();
      progress(total && loaded / total);
    };
    request.onload = () => {
      const { status, responseText: text } = request;
      // A browser complains where one looks for a header that is not there, or not for pages of other origins.
      const isLater = status === 429 || status === 503;
      resolve({ status, text, retryAfter: isLater ? request.getResponseHeader("retry-after") : null });
    };
    request.onerror = request.onabort = () => reject(failure());
    request.onloadend = () => clearTimeout(timer);
    heard();
    request.send(form);
  });
  return { done, abort: () => request.abort() };
}

function parsed(text: string): { detail?: string } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
