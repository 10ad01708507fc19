// The AI SDK's own chat without a page: `node chat.mjs <url of the chat> <token> [version that it says it is]`, from the folder
// of the packages.
// Reads a command a line and says the chat's state after each: open, send, begin, until, settle, resume, regenerate, respond,
// stop.
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
const last = () => JSON.stringify(chat.messages.at(-1)?.parts ?? []);
const pause = () => new Promise((resolve) => setTimeout(resolve, 10));
const commands = {
    open({ id, messages }) {
        data = [];
        const headers = { authorization: `Bearer ${token}`, ...(version && { "x-ai-sdk-version": version }) };
        const transport = new DefaultChatTransport({ api, headers });
        const sendAutomaticallyWhen = ai.lastAssistantMessageIsCompleteWithApprovalResponses;
        chat = new Chat({ id, messages, transport, sendAutomaticallyWhen, onData: (part) => data.push(part) });
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
    console.log(JSON.stringify({ messages, status, error: error?.message, data }));
}
