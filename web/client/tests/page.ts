/** A page without a browser, for frameworks that render into one. Import it before they are loaded. */
import { Window } from "happy-dom";

const window = new Window();
const { document, navigator, Element, SVGElement } = window;
for (const [name, value] of Object.entries({ window, document, navigator, Element, SVGElement }))
  Object.defineProperty(globalThis, name, { value, configurable: true });

/** Returns an element of its own, and what its paragraphs say, each as `class: text`. */
export function openPage() {
  const container = document.createElement("div");
  const texts = () => [...container.querySelectorAll("p")].map((one) => `${one.className}: ${one.textContent}`);
  return { container, element: container as unknown as Element, texts };
}
