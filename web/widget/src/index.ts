/** The bundle's entry: loading it defines `<frontdesk-chat>`. */
import { FrontdeskChat } from "./element";

export { FrontdeskChat };

if (customElements.get("frontdesk-chat") === undefined) customElements.define("frontdesk-chat", FrontdeskChat);
