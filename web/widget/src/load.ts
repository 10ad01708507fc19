/** Returns what a file beside the widget's own script exports; null where it does not come, and then the next time it is tried again. */
export function load<Made>(file: string): Promise<Made | null> {
  return import(new URL(file, import.meta.url).href).catch(() => null);
}
