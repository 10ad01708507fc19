/** What is remembered of the user: list, change, erase. An entry of its own: who does not show it does not load it. */
import { camel } from "./camel";
import { pathOf, query } from "./conversations";
import { Http } from "./http";
import type { ClientOptions, Page } from "./types";

/** A fact that an assistant keeps beyond a conversation. Its text is what a model made of what somebody said. */
export interface MemoryView {
  readonly id: string;
  readonly text: string;
  /** `tenant`: of the whole organisation, for those whose role may see it. */
  readonly scope: "user" | "tenant";
  readonly canEdit: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** Every call rejects with a `FrontdeskError`; with the token of another user than before its code is `signed_out`. */
export interface Memories {
  /** The newest first; empty where nothing is remembered of this user. */
  list(options?: { limit?: number; cursor?: string }): Promise<Page<MemoryView>>;
  change(id: string, text: string): Promise<MemoryView>;
  delete(id: string): Promise<void>;
  /** Erases all of the user's own; facts of the tenant stay. */
  deleteAll(): Promise<void>;
  /** Returns all that the list gives as a file. */
  export(): Promise<Blob>;
}

interface StoredMemory {
  readonly id: string;
  readonly text: string;
  readonly scope: "user" | "tenant";
  readonly can_edit: boolean;
  readonly created_at: string;
  readonly updated_at: string;
}

/** Returns the memories of the user whom the token names. `options` are those of the client. */
export function openMemories({ url, token, fetch }: ClientOptions): Memories {
  const http = new Http({ url, ...(token && { token }), ...(fetch && { fetch }) }, () => {});
  http.closed.abort(); // it has nothing to forget
  const one = (id: string) => pathOf(id, "memories");
  return {
    async list(options = {}) {
      const page = await http.read<{ items: StoredMemory[]; next_cursor: string | null }>(`/memories${query(options)}`);
      return { ...camel(page), items: page.items.map(camel) };
    },
    change: async (id, text) => camel(await http.read<StoredMemory>(one(id), "PATCH", { text })),
    delete: async (id) => void (await http.call(one(id), "DELETE")),
    deleteAll: async () => void (await http.call("/memories", "DELETE")),
    export: async () => (await http.call("/memories/export")).blob(),
  };
}
