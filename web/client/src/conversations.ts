/** The user's conversations over HTTP. */
import { camel } from "./camel";
import type { Http } from "./http";
import { type Exchange, foldMessages, type StoredMessage } from "./transcript";
import { messagesOf } from "./turn";
import type { Conversations } from "./types";

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

/** What a conversation or a message is now; open chats show it. A conversation without a title is gone; without an id, all are. */
export interface Change {
  readonly id?: string;
  readonly title?: string;
  readonly feedback?: "up" | "down";
}

export function conversations(http: Http, tell: (change: Change) => void): Conversations {
  return {
    async list(options = {}) {
      const page = await http.read<StoredPage<StoredConversation>>(`/conversations${query(options)}`);
      return { ...camel(page), items: page.items.map(camel) };
    },
    get: async (id) => camel(await http.read<StoredConversation>(pathOf(id))),
    messages: async (id) => messagesOf(await readExchanges(http, id)),
    async rename(id, title) {
      const renamed = camel(await http.read<StoredConversation>(pathOf(id), "PATCH", { title }));
      tell(renamed);
      return renamed;
    },
    async delete(id) {
      await http.call("DELETE", pathOf(id));
      tell({ id });
    },
    export: async (id) => (await http.call("GET", `${pathOf(id)}/export`)).blob(),
  };
}

/** Reads a whole conversation. */
export async function readExchanges(http: Http, conversationId: string): Promise<Exchange[]> {
  const messages: StoredMessage[] = [];
  let cursor: string | null | undefined;
  do {
    const path: string = `${pathOf(conversationId)}/messages${query({ limit: 100, versions: "all", cursor })}`;
    const page: StoredPage<StoredMessage> = await http.read(path);
    messages.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return foldMessages(messages);
}

export function pathOf(conversationId: string): string {
  return `/conversations/${encodeURIComponent(conversationId)}`;
}

/** A query string of the values that are there. */
export function query(values: Record<string, unknown>): string {
  return `?${new URLSearchParams(Object.entries(values).filter(([, value]) => value) as [string, string][])}`;
}
