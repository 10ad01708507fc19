/** A chat made of React's own elements: what `useChat` gives, and nothing else. */
import { createClient, type MessageView } from "@frontdesk/client";
import { useChat, type UseChat } from "@frontdesk/react";
import { type FormEvent, StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";

/** Signs in to the demo. In your product this returns the token that your page has already. */
async function token(): Promise<string> {
  const body = JSON.stringify({ tenant: "aurora", user: "owner" });
  const response = await fetch("/demo/token", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body,
  });
  return ((await response.json()) as { token: string }).token;
}

const chat = createClient({ url: "", token }).chat({
  actions: {
    change_theme: (theme) => (document.documentElement.style.colorScheme = theme === "system" ? "light dark" : theme),
  },
});

function Conversation() {
  const shown = useChat(chat);
  const { messages, phase, suggestions, error, send, stop, retry } = shown;
  const isBusy = phase !== "idle";
  return (
    <>
      <h1>Frontdesk in React</h1>
      <section role="log" aria-label="Conversation" aria-busy={isBusy}>
        {messages.map((message) => (
          <Message key={message.id} message={message} shown={shown} isBusy={isBusy} />
        ))}
      </section>
      {error && (
        <p role="alert">
          {error.message} {error.recoverable && <button onClick={() => retry()}>Try again</button>}
        </p>
      )}
      <menu>
        {suggestions.map((question) => (
          <li key={question} style={{ display: "contents" }}>
            <button onClick={() => send(question)}>{question}</button>
          </li>
        ))}
      </menu>
      <Composer label="Message" onSend={send}>
        {isBusy && (
          <button type="button" onClick={() => stop()}>
            Stop
          </button>
        )}
      </Composer>
    </>
  );
}

function Message({ message, shown, isBusy }: { message: MessageView; shown: UseChat; isBusy: boolean }) {
  const [isEdited, setEdited] = useState(false);
  if (isEdited) {
    const change = (text: string) => {
      setEdited(false);
      void shown.edit(message.id, text);
    };
    return <Composer label="Edit the message" text={message.text} onSend={change} />;
  }
  const isUsers = message.role === "user";
  const running = message.toolCalls.filter(({ status }) => status === "running");
  return (
    <article className={message.role}>
      <p>{message.text}</p>
      {running.map(({ id, name }) => (
        <p key={id}>Looking up {name.replaceAll("_", " ")} …</p>
      ))}
      {!isBusy && isUsers && <button onClick={() => setEdited(true)}>Edit</button>}
      {!isBusy && !isUsers && <button onClick={() => shown.regenerate(message.id)}>Answer again</button>}
    </article>
  );
}

interface ComposerProps {
  label: string;
  text?: string;
  onSend: (text: string) => unknown;
  children?: React.ReactNode;
}

function Composer({ label, text = "", onSend, children }: ComposerProps) {
  const [draft, setDraft] = useState(text);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!draft.trim()) return;
    setDraft("");
    onSend(draft);
  };
  return (
    <form onSubmit={submit}>
      <input aria-label={label} value={draft} onChange={(event) => setDraft(event.target.value)} />
      <button>Send</button>
      {children}
    </form>
  );
}

createRoot(document.getElementById("app")!).render(
  <StrictMode>
    <Conversation />
  </StrictMode>,
);
