// The AI SDK's text transport without a page: `node text.mjs <url> <token> <message>`, from the folder of the packages.
// Prints, as one line of JSON, the text that came and the words of the error, if there was one.
import { TextStreamChatTransport } from "ai";

const [api, token, text] = process.argv.slice(2);
const transport = new TextStreamChatTransport({
    api,
    headers: { authorization: `Bearer ${token}` },
    prepareSendMessagesRequest: ({ id, messages }) => ({
        body: { conversation_id: id, message: messages.at(-1).parts.map((part) => part.text).join("") },
    }),
});
const held = { text: "", kinds: [], error: null };
try {
    const messages = [{ id: "m-1", role: "user", parts: [{ type: "text", text }] }];
    const stream = await transport.sendMessages({ chatId: "chat-1", messages, trigger: "submit-message" });
    for await (const chunk of stream) {
        if (chunk.type === "text-delta") held.text += chunk.delta;
        else held.kinds.push(chunk.type);
    }
} catch (error) {
    held.error = String(error);
}
process.stdout.write(`${JSON.stringify(held)}\n`, () => process.exit(0));
