"use client";

import { createClient } from "@frontdesk/client";
import { useChat } from "@frontdesk/react";
import type { FormEvent } from "react";

async function token(): Promise<string> {
  const response = await fetch("/token", { method: "POST" });
  return ((await response.json()) as { token: string }).token;
}

/** One for the page. It is idle on the server, which renders it empty. */
const chat = createClient({ url: "/desk", token }).chat({
  actions: { change_theme: (theme) => (document.documentElement.style.colorScheme = theme) },
});

export function Chat() {
  const { messages, phase, suggestions, error, send, stop } = useChat(chat);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    void send(String(new FormData(event.currentTarget).get("message")));
    event.currentTarget.reset();
  };
  return (
    <>
      <section role="log" aria-label="Conversation" aria-busy={phase !== "idle"}>
        {messages.map(({ id, role, text }) => (
          <p key={id} className={role}>
            {text}
          </p>
        ))}
      </section>
      {error && <p role="alert">{error.message}</p>}
      {suggestions.map((question) => (
        <button key={question} onClick={() => send(question)}>
          {question}
        </button>
      ))}
      <form onSubmit={submit}>
        <input name="message" aria-label="Message" required />
        {phase === "idle" ? (
          <button key="send">Send</button>
        ) : (
          <button key="stop" type="button" onClick={() => stop()}>
            Stop
          </button>
        )}
      </form>
    </>
  );
}
