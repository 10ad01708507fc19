/** The style sheet of the cards, which is loaded with them. */
import css from "../styles/approvals.css" with { type: "text" };
import { adopt as adoptSheet } from "../adopt";

/** Gives the tree that an element stands in the sheet, once it stands there. */
export const adopt = (element: Element) => adoptSheet(element, css);
