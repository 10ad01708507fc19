/** Bytes to frames: server-sent events, however the network cut them. */
import { createParser } from "eventsource-parser";

export interface Frame {
  readonly id?: string | undefined;
  readonly data: string;
}

/**
 * Reads a response to its end. `take` is called for each piece of the network with the frames that it made whole: with none
 * where it was a comment. `retry` is called when the server says how long to wait before coming back.
 */
export async function readFrames(
  body: ReadableStream<Uint8Array>,
  take: (frames: readonly Frame[]) => void,
  retry: (ms: number) => void,
): Promise<void> {
  const found: Frame[] = [];
  const parser = createParser({ onEvent: (frame) => found.push(frame), onRetry: retry });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (let piece; !(piece = await reader.read()).done; take(found.splice(0))) {
    // Line by line: the parser looks for the end of each line through all of what it gets.
    for (const line of decoder.decode(piece.value, { stream: true }).match(/[^\n]*\n?/g)!) parser.feed(line);
  }
}
