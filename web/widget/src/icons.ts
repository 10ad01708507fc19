/** The widget's pictures: strokes on a grid of 24, in the color of the text around them. */
const PATHS = {
  chat: ["M20 11.5a7.5 7.5 0 0 1-11 6.6L4 20l1.9-4.7A7.5 7.5 0 1 1 20 11.5z", "M9 10.5h6", "M9 13.5h3.5"],
  close: ["M6 6l12 12", "M18 6L6 18"],
  send: ["M12 19V5", "M6 11l6-6 6 6"],
  stop: ["M8 8h8v8H8z"],
  list: ["M4 7h16", "M4 12h16", "M4 17h10"],
  more: ["M5.5 12h.01", "M12 12h.01", "M18.5 12h.01"],
  plus: ["M12 5v14", "M5 12h14"],
  pencil: ["M4 20l1-4L16.5 4.5a2.1 2.1 0 0 1 3 3L8 19l-4 1z", "M14.5 6.5l3 3"],
  copy: ["M9 9h10v11H9z", "M6 15H5V4h10v2"],
  check: ["M5 12.5l4.5 4.5L19 7.5"],
  up: ["M7 11v9H4v-9h3z", "M7 11l4-7c1.5 0 2.5 1 2.2 2.6L12.6 10H18a2 2 0 0 1 2 2.4l-1.2 6A2 2 0 0 1 16.8 20H7"],
  down: ["M7 13V4H4v9h3z", "M7 13l4 7c1.5 0 2.5-1 2.2-2.6L12.6 14H18a2 2 0 0 0 2-2.4l-1.2-6A2 2 0 0 0 16.8 4H7"],
  again: ["M19.5 12a7.5 7.5 0 1 1-2.2-5.3L20 9", "M20 4v5h-5"],
  arrowDown: ["M12 5v14", "M6 13l6 6 6-6"],
  chevron: ["M8 10l4 4 4-4"],
  offline: [
    "M4 4l16 16",
    "M8.5 12.6a6 6 0 0 1 3-1.5",
    "M5.5 9.4a10 10 0 0 1 3-1.8",
    "M12 7c2.5 0 4.8.9 6.5 2.5",
    "M12 17.5v.01",
  ],
  warning: ["M12 4.5l8.5 15h-17z", "M12 10.5v4", "M12 17v.01"],
  tool: [
    "M14.5 6.5a4 4 0 0 0 5 5L11 20a2.1 2.1 0 0 1-3-3l6.5-6.5",
    "M14.5 6.5a4 4 0 0 1 4.5-2l-2 2 .5 1.5 1.5.5 2-2a4 4 0 0 1-1.5 4",
  ],
  spark: ["M12 4l1.8 5.2L19 11l-5.2 1.8L12 18l-1.8-5.2L5 11l5.2-1.8z", "M18.5 16.5v4", "M16.5 18.5h4"],
  bolt: ["M13 3.5L5.5 13.5H12l-1 7 7.5-10H12z"],
} as const;

export type IconName = keyof typeof PATHS;

const SVG = "http://www.w3.org/2000/svg";

/** Returns a picture that says nothing by itself: a text or a label stands beside it. */
export function icon(name: IconName): SVGSVGElement {
  return drawn(name, PATHS[name]);
}

/** Returns a picture of these paths, in a box of 24 by 24. */
export function drawn(name: string, paths: readonly string[]): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  for (const d of paths) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}
