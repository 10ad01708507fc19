/** "Do not ask again": it counts in its conversation as long as its page is there. */
import { endAlways } from "@frontdesk/client/approvals";
import type { Access } from "../context";
import type { Memory } from "../memory";

const NAME = "always";

export function rememberAlways(memory: Memory, conversationId: string | null): void {
  memory.set(NAME, conversationId);
}

/** Ends what the page before this one had begun. What does not get through is tried again the next time. */
export async function forgetAlways(access: Access, memory: Memory): Promise<void> {
  try {
    await endAlways(access as Required<Access>, memory.get(NAME)!);
    memory.set(NAME, null);
  } catch {
    // The conversation is gone, or the server is not there.
  }
}
