/** What is loaded when something asks for a yes for the first time. */
export { forgetAlways } from "./always";
export { Card } from "./card";
export { Inbox } from "./inbox";
