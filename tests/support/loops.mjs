// The loops by which clients that were written by hand read their dialects, each as it stands in their pages.
// `node loops.mjs <dialect> <url> <token> <body>` prints what the client holds when it is done, as one line of JSON.
const [dialect, url, token, body] = process.argv.slice(2);

const post = (more = {}, headers = {}) =>
  fetch(url, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json", ...headers },
    body: JSON.stringify({ ...JSON.parse(body), ...more }),
  });

async function opened(...options) {
  const response = await post(...options);
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response.body.getReader();
}

const loops = {
  async typed(held) {
    const reader = await opened();
    const decoder = new TextDecoder();
    let buffer = "";
    let event = "message";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      buffer += decoder.decode(value, { stream: true });
      const lines = buffer.split("\n");
      buffer = lines.pop();
      for (const line of lines) {
        if (line === "") event = "message";
        else if (line.startsWith("event: ")) event = line.slice(7);
        else if (line.startsWith("data: ")) {
          const data = JSON.parse(line.slice(6));
          if (event === "message" && data.type === "chunk") held.text += data.content;
          else if (event === "final_text") held.text = data.text;
          else if (event === "action") held.actions.push({ tool: data.action.tool, args: data.action.args });
          else if (event === "done") held.done = data.finished;
          else if (event === "error") throw new Error(data.error);
        }
      }
    }
    if (!held.done) throw new Error("the stream ended early");
  },

  async delta(held) {
    let id = 0;
    let request;
    for (let attempt = 0, wait = 1000; attempt <= 5; attempt++, wait = Math.min(2 * wait, 30000)) {
      try {
        const again = request ? [{ stream_request_id: request }, { "Last-Event-ID": String(id) }] : [];
        const reader = await opened(...again);
        const decoder = new TextDecoder();
        let buffer = "";
        let next = 0;
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          buffer += decoder.decode(value, { stream: true });
          const lines = buffer.split("\n");
          buffer = lines.pop();
          for (const line of lines) {
            if (line.startsWith("id: ")) next = Number(line.slice(4));
            if (!line.startsWith("data: ") || next <= id) continue;
            id = next;
            const data = JSON.parse(line.slice(6));
            held.ids.push(id);
            if (data.type === "meta" && data.request_id) request = data.request_id;
            else if (data.type === "token") held.text += data.delta;
            else if (data.type === "thinking") held.thinking += data.delta;
            else if (data.type === "step.start") held.actions.push(data.tool);
            else if (data.type === "done") {
              Object.assign(held, { done: true, whole: data.full_text });
              return;
            } else if (data.type === "error") throw Object.assign(new Error(data.error), { isFinal: true });
          }
        }
      } catch (error) {
        if (error.isFinal || attempt === 5) throw error;
      }
      held.retries += 1;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
    throw new Error("the stream ended early");
  },

  async text(held) {
    const reader = await opened();
    const decoder = new TextDecoder();
    let buffer = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      buffer += decoder.decode(value, { stream: true });
      const messages = buffer.split("\n\n");
      buffer = messages.pop();
      for (const message of messages) {
        const data = message.slice("data: ".length);
        if (data === "[DONE]") {
          held.done = true;
          return;
        }
        const parsed = JSON.parse(data);
        if (parsed.error) throw new Error(parsed.error);
        held.text += parsed.text;
      }
    }
    throw new Error("the stream ended early");
  },

  async plain(held) {
    const reader = await opened();
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const line of decoder.decode(value).split("\n")) {
        if (!line.startsWith("data: ")) continue;
        const data = line.slice(6);
        if (data === "[DONE]") {
          held.done = true;
          return;
        }
        held.text += data;
      }
    }
  },

  async raw(held) {
    const response = await post();
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) held.text += piece;
    held.done = true;
  },
};

const held = { text: "", thinking: "", actions: [], ids: [], retries: 0, done: false, error: null };
try {
  await loops[dialect](held);
} catch (error) {
  held.error = error.message;
}
process.stdout.write(`${JSON.stringify(held)}\n`, () => process.exit(0));
