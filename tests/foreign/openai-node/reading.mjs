// What OpenAI's own client gets, in Node and in a page: a line whenever there is more text, and at the end one of what it has then.
function takeChunk(held, chunk) {
    const choice = chunk.choices[0];
    held.text += choice?.delta.content ?? "";
    held.reasoning += choice?.delta.reasoning_content ?? "";
    held.finish = choice?.finish_reason ?? held.finish;
    held.usage = chunk.usage ?? held.usage;
    if (chunk.frontdesk) held.frontdesk.push(chunk.frontdesk);
}

function takeEvent(held, event) {
    if (event.type === "response.output_text.delta") held.text += event.delta;
    if (event.type === "response.reasoning_summary_text.delta") held.reasoning += event.delta;
    if (event.frontdesk) held.frontdesk.push(event.frontdesk);
    if (event.response?.usage) held.usage = event.response.usage;
    if (["response.completed", "response.incomplete", "response.failed"].includes(event.type)) {
        held.finish = event.response.status;
        held.id = event.response.id;
        held.error = event.response.error;
    }
    if (event.type === "error") held.error = event;
}

export async function ask(client, { api, headers, stop_at: stopAt, ...request }, say) {
    const held = { text: "", reasoning: "", frontdesk: [], usage: null, finish: null, error: null };
    try {
        if (api === "models") held.models = (await client.models.list()).data.map((one) => one.id);
        else {
            const of = api === "chat" ? client.chat.completions : client.responses;
            const stream = await of.create({ ...request, stream: true }, { headers });
            for await (const one of stream) {
                (api === "chat" ? takeChunk : takeEvent)(held, one);
                await say({ text: held.text });
                if (stopAt && held.text.includes(stopAt)) stream.controller.abort();
            }
        }
    } catch (error) {
        held.error = { code: error.code, type: error.type, status: error.status, message: error.message };
    }
    await say({ held });
}
