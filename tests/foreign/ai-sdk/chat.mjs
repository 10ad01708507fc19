// The AI SDK's own chat without a page: `node chat.mjs <url of the chat> <token> [version that it says it is]`, from the folder
// of the packages.
// Reads a command a line and says the chat's state after each: open, send, begin, until, settle, resume, regenerate, respond,
// stop. With `tools` the page runs these: each returns what is given for it, or throws where that is { error }.
import { createInterface } from "node:readline";
import * as ai from "ai";

const { AbstractChat, DefaultChatTransport } = ai;

const [api, token, version] = process.argv.slice(2);

class State {
    constructor(messages = []) {
        this.messages = messages;
        this.status = "ready";
        this.error = undefined;
    }
    pushMessage = (message) => {
        this.messages = [...this.messages, message];
    };
    popMessage = () => {
        this.messages = this.messages.slice(0, -1);
    };
    replaceMessage = (at, message) => {
        this.messages = this.messages.with(at, structuredClone(message));
    };
    snapshot = (value) => structuredClone(value);
}

class Chat extends AbstractChat {
    constructor({ messages, ...rest }) {
        super({ ...rest, state: new State(messages) });
    }
}

let chat;
let data = [];
let made = [];
const last = () => JSON.stringify(chat.messages.at(-1)?.parts ?? []);
const pause = () => new Promise((resolve) => setTimeout(resolve, 10));
const commands = {
    open({ id, messages, tools = {} }) {
        data = [];
        made = [];
        const headers = { authorization: `Bearer ${token}`, ...(version && { "x-ai-sdk-version": version }) };
        const names = Object.keys(tools);
        const body = { client_tools: names.map((name) => ({ name, description: "A tool of the page." })) };
        const transport = new DefaultChatTransport({ api, headers, ...(names.length && { body }) });
        const sendAutomaticallyWhen = (held) =>
            ai.lastAssistantMessageIsCompleteWithToolCalls(held) ||
            Boolean(ai.lastAssistantMessageIsCompleteWithApprovalResponses?.(held));
        const onToolCall = ({ toolCall: { dynamic, toolName: tool, toolCallId, input } }) => {
            if (dynamic || !(tool in tools)) return;
            made.push({ tool, input });
            const { error } = tools[tool] ?? {};
            void chat.addToolOutput(
                error
                    ? { tool, toolCallId, state: "output-error", errorText: error }
                    : { tool, toolCallId, output: tools[tool] },
            );
        };
        const onData = (part) => data.push(part);
        chat = new Chat({ id, messages, transport, sendAutomaticallyWhen, onData, onToolCall });
    },
    send: ({ message }) => chat.sendMessage(message),
    begin({ message }) {
        void chat.sendMessage(message);
    },
    async until({ text }) {
        while (!last().includes(text)) await pause();
    },
    async settle() {
        while (chat.status === "submitted" || chat.status === "streaming") await pause();
    },
    resume: () => chat.resumeStream(),
    regenerate: ({ options }) => chat.regenerate(options),
    respond: ({ id, approved, reason }) => chat.addToolApprovalResponse({ id, approved, reason }),
    stop: () => chat.stop(),
};

for await (const line of createInterface({ input: process.stdin })) {
    const { command, ...options } = JSON.parse(line);
    await commands[command](options);
    const { messages, status, error } = chat;
    console.log(JSON.stringify({ messages, status, error: error?.message, data, made }));
}
