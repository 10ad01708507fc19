/** Pictures that only files need. */
import { drawn } from "../icons";

export const clip = () =>
  drawn("clip", ["M20 11.5l-8 8a5 5 0 0 1-7-7l8.5-8.5a3.3 3.3 0 0 1 4.7 4.7L9.7 17.2a1.7 1.7 0 0 1-2.4-2.4l7.5-7.5"]);
export const document = () => drawn("document", ["M6 3.5h8l4 4v13H6z", "M14 3.5v4h4"]);
export const download = () => drawn("download", ["M12 4v11", "M7.5 10.5L12 15l4.5-4.5", "M5 19.5h14"]);
