/**
 * Makes a node's children equal to another's and keeps what is equal already, so that growing text neither flashes nor
 * loses a selection or a scroll position. The children of `fresh` are used up.
 */
export function morph(shown: Node, fresh: Node): void {
  let old = shown.firstChild;
  for (const child of Array.from(fresh.childNodes)) {
    if (old === null) {
      shown.appendChild(child);
      continue;
    }
    const next: ChildNode | null = old.nextSibling;
    if (!takeOver(old, child)) shown.replaceChild(child, old);
    old = next;
  }
  while (old !== null) {
    const next: ChildNode | null = old.nextSibling;
    old.remove();
    old = next;
  }
}

function takeOver(old: Node, fresh: Node): boolean {
  if (isText(old) && isText(fresh)) {
    if (fresh.data.startsWith(old.data)) {
      if (fresh.length > old.length) old.appendData(fresh.data.slice(old.length));
    } else {
      old.data = fresh.data;
    }
    return true;
  }
  if (!(old instanceof Element && fresh instanceof Element) || old.localName !== fresh.localName) return false;
  for (const name of old.getAttributeNames()) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of Array.from(fresh.attributes)) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  morph(old, fresh);
  return true;
}

/** Not by its class: a page may call something else `Text`. */
function isText(node: Node): node is Text {
  return node.nodeType === Node.TEXT_NODE;
}
