/** Parts that are drawn each on its own: what one of them throws is told to the page, and leaves no other one undrawn. */
export function drawEach(...parts: (() => unknown)[]): void {
  for (const draw of parts) {
    try {
      draw();
    } catch (error) {
      reportError(error);
    }
  }
}
