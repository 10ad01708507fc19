/** A chat on the AI SDK's own `useChat`. It holds nothing of Frontdesk's but its address. */
import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport, generateId } from "ai";
import { useEffect } from "react";
import { createRoot } from "react-dom/client";

const headers = async () => ({
    Authorization: `Bearer ${await (await fetch("/token", { method: "POST" })).text()}`,
});
const transport = new DefaultChatTransport({ api: `${FRONTDESK}/ai-sdk/chat`, headers });

/** Returns what was said before the page was loaded. */
async function load(id) {
    const response = await fetch(`${FRONTDESK}/conversations/${id}/messages`, { headers: await headers() });
    const said = (await response.json()).items.filter(({ role, text }) => role !== "tool" && text);
    return said.map(({ id, role, text }) => ({ id, role, parts: [{ type: "text", text }] }));
}

function onData({ type, data }) {
    if (type === "data-action" && data.type === "change_theme") document.documentElement.style.colorScheme = data.value;
}

function Chat({ id, before }) {
    const { messages, status, error, sendMessage, stop } = useChat({
        id,
        messages: before,
        resume: true,
        transport,
        onData,
    });
    const conversation = messages.at(-1)?.metadata?.conversationId;
    useEffect(() => {
        if (conversation) sessionStorage.setItem("conversation", conversation);
    }, [conversation]);
    const isBusy = status === "submitted" || status === "streaming";
    const stopIt = async () => {
        await fetch(`${FRONTDESK}/ai-sdk/chat/${id}/stop`, { method: "POST", headers: await headers() });
        await stop();
    };
    const submit = (event) => {
        event.preventDefault();
        void sendMessage({ text: new FormData(event.currentTarget).get("message") });
        event.currentTarget.reset();
    };
    return (
        <>
            <h1>Frontdesk with the AI SDK</h1>
            <section role="log" aria-label="Conversation" aria-busy={isBusy}>
                {messages.map(({ id, role, parts }) => (
                    <p key={id} className={role}>
                        {parts.map((part) => (part.type === "text" ? part.text : ""))}
                    </p>
                ))}
            </section>
            {error && <p role="alert">{error.message}</p>}
            {messages.at(-1)?.parts.map(
                ({ type, data }) =>
                    type === "data-suggestions" &&
                    data.map((text) => (
                        <button key={text} onClick={() => sendMessage({ text })}>
                            {text}
                        </button>
                    )),
            )}
            <form onSubmit={submit}>
                <input name="message" aria-label="Message" required />
                {isBusy ? (
                    <button key="stop" type="button" onClick={stopIt}>
                        Stop
                    </button>
                ) : (
                    <button key="send">Send</button>
                )}
            </form>
        </>
    );
}

const known = sessionStorage.getItem("conversation");
createRoot(document.querySelector("main")).render(
    <Chat id={known ?? generateId()} before={known ? await load(known) : []} />,
);
