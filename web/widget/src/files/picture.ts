/**
 * Pictures, small. They are drawn, not loaded: a canvas asks a page's policy for nothing, leaves no address behind, and shows
 * pixels only, whatever the bytes would be to a parser of documents.
 */
import { make } from "../dom";

/** CSS pixels. */
const MOST_WIDE = 240;
const MOST_HIGH = 160;
/** Kinds that browsers draw; nothing that is a document, as SVG is. */
const DRAWN = /^image\/(png|jpeg|gif|webp|avif|bmp)$/;

export function isPicture(mediaType: string): boolean {
  return DRAWN.test(mediaType);
}

/** Returns a picture with its name; null where the bytes are none. */
export async function draw(blob: Blob, name: string): Promise<HTMLCanvasElement | null> {
  const picture = await createImageBitmap(blob).catch(() => null);
  if (!picture) return null;
  const { width, height } = picture;
  const scale = Math.min(1, MOST_WIDE / width, MOST_HIGH / height);
  const sharp = Math.min(scale * Math.max(1, devicePixelRatio), 1);
  const canvas = make("canvas", { role: "img", "aria-label": name });
  canvas.width = Math.max(1, Math.round(width * sharp));
  canvas.height = Math.max(1, Math.round(height * sharp));
  canvas.style.inlineSize = `${Math.max(1, Math.round(width * scale))}px`;
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return canvas;
}
