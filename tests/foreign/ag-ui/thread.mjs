// AG-UI's own agent without a page: `node thread.mjs <url> <token>`, from the folder of the packages.
// Reads a command a line and says what the agent holds after each: open, send, run, begin, until, settle, say.
import { createInterface } from "node:readline";
import { HttpAgent } from "@ag-ui/client";

const [url, token] = process.argv.slice(2);
console.warn = (...words) => console.error(...words);
// The client lets go of a stream that broke in a promise that nobody waits for.
process.on("unhandledRejection", (failure) => console.error(failure.message));

let agent;
let custom = [];
let error;
let status = "ready";
let pending = [];
let running = Promise.resolve();
const pause = () => new Promise((resolve) => setTimeout(resolve, 10));

function start(parameters) {
    error = undefined;
    status = "running";
    const subscriber = {
        onCustomEvent: ({ event }) => void custom.push({ name: event.name, value: event.value }),
        onRunErrorEvent: ({ event }) => {
            error = event.message;
            status = event.code;
        },
        onRunFinishedEvent: ({ event, pendingToolCallIds }) => {
            pending = pendingToolCallIds ?? [];
            if (status === "running" || status === "completed") status = event.result?.status ?? status;
        },
    };
    running = agent.runAgent(parameters, subscriber).then(
        () => {},
        (failure) => {
            error = failure.message;
            status = "error";
        },
    );
    return running;
}

const commands = {
    open({ id, messages = [] }) {
        custom = [];
        agent = new HttpAgent({ url, threadId: id, headers: { authorization: `Bearer ${token}` }, initialMessages: messages });
    },
    send({ message, parameters }) {
        agent.addMessage(message);
        return start(parameters);
    },
    say: ({ message }) => agent.addMessage(message),
    run: ({ messages, parameters }) => {
        if (messages) agent.setMessages(messages);
        return start(parameters);
    },
    begin({ message }) {
        if (message) agent.addMessage(message);
        void start();
    },
    async until({ text }) {
        while (!JSON.stringify(agent.messages).includes(text)) await pause();
    },
    settle: () => running,
    abort: () => agent.abortRun(),
};

for await (const line of createInterface({ input: process.stdin })) {
    const { command, ...options } = JSON.parse(line);
    await commands[command](options);
    const { messages, pendingInterrupts: interrupts } = agent;
    console.log(JSON.stringify({ messages, status, error, custom, interrupts, pending }));
}
