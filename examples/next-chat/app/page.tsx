import { Chat } from "./chat";

export default function Page() {
  return (
    <main>
      <h1>Frontdesk in Next.js</h1>
      <Chat />
    </main>
  );
}
