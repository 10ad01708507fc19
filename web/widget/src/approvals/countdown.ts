/** How long there is to answer: seen second by second, said aloud once. */
import type { WidgetContext } from "../context";
import { make, setText } from "../dom";
import { formatMoment } from "../format";
import type { Words } from "./words";

const MINUTE_S = 60;
const HOUR_S = 3600;

export class Countdown {
  readonly element: HTMLElement;
  #timer = 0;

  /** `ended` is called when the time is over. A clock that says so from the start is wrong: what is asked is not over. */
  constructor(until: string, context: WidgetContext, words: Words, ended: () => void) {
    const { texts, narrator } = context;
    const end = Date.parse(until);
    const leftS = () => Math.max(0, Math.ceil((end - Date.now()) / 1000));
    this.element = make("span", { class: "until", "aria-hidden": "true", title: words.left });
    const show = () => {
      const left = leftS();
      setText(this.element, left > HOUR_S ? words.until(formatMoment(until, texts)) : clock(left));
      this.element.classList.toggle("soon", left <= MINUTE_S);
      if (left > 0) return;
      this.close();
      ended();
    };
    const first = leftS();
    if (first <= 0) return;
    const [amount, unit] =
      first < MINUTE_S * 2 ? ([first, "second"] as const) : ([Math.floor(first / MINUTE_S), "minute"] as const);
    const said = new Intl.RelativeTimeFormat(texts.language).format(amount, unit);
    narrator.live.say(first > HOUR_S ? words.until(formatMoment(until, texts)) : words.expires(said));
    show();
    this.#timer = window.setInterval(show, 1000);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

function clock(seconds: number): string {
  return `${Math.floor(seconds / MINUTE_S)}:${String(seconds % MINUTE_S).padStart(2, "0")}`;
}
