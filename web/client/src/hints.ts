/** What tabs of a browser tell each other: which conversation to ask the server for. Nothing else is believed. */

/** Returns a function that tells the other tabs of a conversation; `heard` is called when they do. */
export function openHints(heard: (id: string) => void): (id: string) => void {
  try {
    const channel = new BroadcastChannel("frontdesk");
    channel.onmessage = ({ data }) => heard(data);
    (channel as { unref?(): void }).unref?.(); // keeps no Node alive
    return (id) => channel.postMessage(id);
  } catch {
    return () => {}; // not there, or not allowed: then one looks when one comes back
  }
}
