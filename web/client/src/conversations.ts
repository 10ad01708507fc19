/** The user's conversations over HTTP. */
import { camel } from "./camel";
import type { Http } from "./http";
import { foldMessages, type StoredMessage } from "./transcript";
import { messagesOf } from "./turn";
import type { ChatView, Conversations } from "./types";

interface StoredConversation {
  readonly id: string;
  readonly title: string;
  readonly created_at: string;
  readonly updated_at: string;
}

interface StoredPage<Item> {
  readonly items: readonly Item[];
  readonly next_cursor: string | null;
}

/** A conversation as it was read, or what has changed of it since another version. */
export interface News {
  readonly items: readonly StoredMessage[];
  readonly title: string;
  readonly version: string;
  /** What models read in place of the messages up to `until`. */
  readonly summary: ChatView["summary"];
}

/**
 * What a conversation or a message is now; open chats show it. A conversation without a title is gone; without an id, all
 * are. Of `stale` ones the server knows more.
 */
export interface Change {
  readonly id?: string;
  readonly title?: string;
  readonly stale?: boolean;
  readonly feedback?: "up" | "down";
}

export function conversations(http: Http, tell: (change: Change) => void): Conversations {
  return {
    list: async (options = {}) => {
      const page = await http.read<StoredPage<StoredConversation>>(`/conversations${query(options)}`);
      return { ...camel(page), items: page.items.map(camel) };
    },
    get: async (id) => camel(await http.read<StoredConversation>(pathOf(id))),
    messages: async (id) => messagesOf(foldMessages((await readMessages(http, id)).items)),
    rename: async (id, title) => {
      const renamed = camel(await http.read<StoredConversation>(pathOf(id), "PATCH", { title }));
      tell(renamed);
      return renamed;
    },
    delete: async (id) => {
      await http.call(pathOf(id), "DELETE");
      tell({ id });
    },
    export: async (id) => (await http.call(`${pathOf(id)}/export`)).blob(),
  };
}

/** Reads a whole conversation, or what is new `after` a version. */
export async function readMessages(http: Http, id: string, after?: string, cursor?: string | null): Promise<News> {
  const path = `${pathOf(id)}/messages${query({ limit: 100, versions: "all", after, cursor })}`;
  const page = await http.read<News & StoredPage<StoredMessage>>(path);
  if (!page.next_cursor) return page;
  // The first page's version is what has been seen for sure.
  return { ...page, items: page.items.concat((await readMessages(http, id, after, page.next_cursor)).items) };
}

export function pathOf(id: string, kind = "conversations"): string {
  return `/${kind}/${encodeURIComponent(id)}`;
}

/** A query string of the values that are there. */
export function query(values: Record<string, unknown>): string {
  return "?" + new URLSearchParams(Object.entries(values).filter(([, value]) => value) as [string, string][]);
}
