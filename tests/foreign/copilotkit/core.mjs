// CopilotKit's core, which its React client is made of: `node core.mjs <runtime url> <token>`, from the folder of the packages.
// Reads a command a line and says what it holds after each: open, send, begin, until, settle, connect, stop, suggest, lend, resume.
import { createInterface } from "node:readline";
import { CopilotKitCore } from "@copilotkit/core";

const [runtimeUrl, token] = process.argv.slice(2);
const say = console.log;
console.warn = (...words) => console.error(...words);
process.on("unhandledRejection", (failure) => console.error(failure.message));

// Without a window it takes the process for a server that renders pages, and asks nothing.
globalThis.window = { location: { origin: new URL(runtimeUrl).origin } };
const core = new CopilotKitCore({ runtimeUrl, headers: { authorization: `Bearer ${token}` } });
const pause = () => new Promise((resolve) => setTimeout(resolve, 10));
let agent;
let running = Promise.resolve();
const made = [];
const errors = [];
core.subscribe({ onError: ({ error }) => void errors.push(error.message) });
const commands = {
    async open({ id }) {
        core.connect?.();
        while (!core.getAgent("default")) await pause();
        agent = core.getAgent("default");
        agent.threadId = id;
    },
    send({ message }) {
        agent.addMessage(message);
        return core.runAgent({ agent });
    },
    begin({ message }) {
        agent.addMessage(message);
        running = core.runAgent({ agent });
    },
    async until({ text }) {
        while (!JSON.stringify(agent.messages).includes(text)) await pause();
    },
    settle: () => running,
    lend({ name, result, parameters }) {
        const handler = (input) => {
            made.push({ name, input });
            if (result?.error) throw new Error(result.error);
            return result;
        };
        core.addTool({ name, description: "A tool of the page.", ...(parameters && { parameters }), handler });
    },
    resume: ({ resume }) => core.runAgent({ agent, resume }),
    connect: () => core.connectAgent({ agent }),
    stop: () => core.stopAgent({ agent }),
    async suggest() {
        core.addSuggestionsConfig({ instructions: "Suggest.", available: "always", maxSuggestions: 3 });
        core.reloadSuggestions("default");
        do await pause();
        while (core.getSuggestions("default").isLoading);
    },
};

for await (const line of createInterface({ input: process.stdin })) {
    const { command, ...options } = JSON.parse(line);
    await commands[command](options);
    const { suggestions } = core.getSuggestions("default");
    const { messages, pendingInterrupts: interrupts } = agent ?? {};
    say(JSON.stringify({ messages, agents: Object.keys(core.agents), suggestions, interrupts, made, errors }));
}
