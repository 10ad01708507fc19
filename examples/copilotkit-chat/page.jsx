/** CopilotKit's own chat in front of Frontdesk, with no runtime of CopilotKit's in between. */
import {
    CopilotChat,
    CopilotKit,
    useAgent,
    useConfigureSuggestions,
    useCopilotKit,
    useDefaultRenderTool,
} from "@copilotkit/react-core/v2";
import "@copilotkit/react-core/v2/styles.css";
import "./page.css";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

const TOKEN_FRESH_MS = 10 * 60_000;
const AGAIN_AFTER_MS = 1_000;
const thread = sessionStorage.getItem("thread") ?? crypto.randomUUID();
sessionStorage.setItem("thread", thread);
const signIn = async () => (await fetch("/token", { method: "POST" })).text();

function perform({ type, value }) {
    if (type === "change_theme") document.documentElement.classList.toggle("dark", value === "dark");
}

/** Does what Frontdesk asks of the page, and comes back for an answer that was cut: the same messages once more. */
function Desk() {
    const { agent } = useAgent();
    const { copilotkit } = useCopilotKit();
    const [problem, setProblem] = useState("");
    useDefaultRenderTool();
    useConfigureSuggestions({ instructions: "Those of the answer.", available: "always" });
    useEffect(() => {
        let timer;
        const comeBack = () => copilotkit[agent.messages.length ? "runAgent" : "connectAgent"]({ agent });
        const fail = (message, isCut) => {
            setProblem(isCut ? "The connection was lost. Trying again ..." : message);
            clearTimeout(timer);
            if (isCut) timer = setTimeout(comeBack, AGAIN_AFTER_MS);
        };
        const { unsubscribe } = agent.subscribe({
            onRunStartedEvent: () => {
                clearTimeout(timer);
                setProblem("");
            },
            onCustomEvent: ({ event }) => event.name === "action" && perform(event.value),
            onRunErrorEvent: ({ event }) => fail(event.message, event.code === "interrupted"),
            onRunFailed: ({ error: { name, message, payload, status } }) =>
                name !== "AbortError" && fail(payload?.message ?? message, !status),
        });
        return () => {
            clearTimeout(timer);
            unsubscribe();
        };
    }, [agent, copilotkit]);
    return problem && <p role="alert">{problem}</p>;
}

function Page({ signedIn }) {
    const [token, setToken] = useState(signedIn);
    useEffect(() => {
        const timer = setInterval(async () => setToken(await signIn()), TOKEN_FRESH_MS);
        return () => clearInterval(timer);
    }, []);
    const headers = { Authorization: `Bearer ${token}` };
    return (
        <CopilotKit runtimeUrl={`${FRONTDESK}/copilotkit`} headers={headers} showDevConsole={false}>
            <h1>Frontdesk with CopilotKit</h1>
            <Desk />
            <section>
                <CopilotChat threadId={thread} />
            </section>
        </CopilotKit>
    );
}

createRoot(document.querySelector("main")).render(<Page signedIn={await signIn()} />);
