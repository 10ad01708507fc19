/**
 * Bytes to frames: server-sent events as the HTML standard reads them, however the network cut them. The name of an event
 * is passed over, because the server gives none.
 */
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
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  let id: string | undefined;
  let data: string[] = [];
  for (let piece; !(piece = await reader.read()).done;) {
    const found: Frame[] = [];
    // A carriage return at the end may be half of a line's end.
    const lines = (rest + decoder.decode(piece.value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop()!;
    for (const line of lines) {
      const [, field, value] = /([^:]*):? ?(.*)/s.exec(line) as unknown as [string, string, string];
      if (field === "data") data.push(value);
      if (field === "id" && !value.includes("\0")) id = value;
      if (field === "retry" && /^\d+$/.test(value)) retry(+value);
      if (line) continue;
      if (data.length) found.push({ id, data: data.join("\n") });
      id = undefined;
      data = [];
    }
    take(found);
  }
}
