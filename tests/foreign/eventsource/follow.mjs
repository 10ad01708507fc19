// The package eventsource without a page: `node follow.mjs <url> [<token>]`, from the folder of the package.
// Says a line whenever it has heard something, with all that a page would hold, until it is closed or has heard the end.
import { EventSource } from "eventsource";

const [url, token] = process.argv.slice(2);
const held = { text: "", keys: [], opened: 0, done: false, code: null, run: null };
const tell = () => console.log(JSON.stringify({ ...held, state: source.readyState }));
const signed = (input, init) => fetch(input, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } });
const source = new EventSource(url, token ? { fetch: signed } : {});
setInterval(() => {}, 1000); // the package lets its process end while it waits to come back
source.onopen = () => {
    held.opened++;
    tell();
};
source.onerror = ({ code }) => {
    held.code = code ?? null;
    tell();
    if (source.readyState === EventSource.CLOSED) process.exit(0);
};
source.onmessage = ({ data }) => {
    if (data === "[DONE]") {
        held.done = true;
        if (token) source.close();
    } else {
        const message = JSON.parse(data);
        if (message.snapshot) held.text = message.snapshot.text;
        held.text += message.token ?? "";
        held.run ??= message.run_id;
        held.keys.push(...Object.keys(message));
    }
    tell();
};
