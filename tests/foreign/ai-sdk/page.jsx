// A vendor's page as the documentation of the AI SDK shows it: `useChat` with `resume: true`.
import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport } from "ai";
import { createElement as h } from "react";
import { createRoot } from "react-dom/client";

const { api, token } = window.settings;
const transport = new DefaultChatTransport({ api, headers: { authorization: `Bearer ${token}` } });

function Chat() {
    const { messages, sendMessage, status, error } = useChat({ id: "chat-1", resume: true, transport });
    const shown = messages.map(({ id, role, parts }) =>
        h("p", { key: id, className: role }, parts.map((part) => (part.type === "text" ? part.text : "")).join("")),
    );
    return h(
        "main",
        { "data-status": status, "data-error": error?.message },
        ...shown,
        h("button", { onClick: () => sendMessage({ text: "hello" }) }, "Ask"),
    );
}

createRoot(document.getElementById("root")).render(h(Chat));
