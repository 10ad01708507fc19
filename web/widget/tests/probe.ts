/** Hands the widget's inner parts to the tests in tests/browser, which bundle this file. No page loads it. */
import { createSanitiser } from "../src/markdown/sanitise";
import { parse, toHtml } from "../src/markdown/grammar";
import { decorate } from "../src/markdown/decorate";
import { MarkdownView } from "../src/markdown/view";
import { textsFor } from "../src/texts";

import DP from "dompurify";
const rules = { page: location.href, linkHosts: ["docs.example.com"], imageHosts: ["pictures.example.com"] };
const sanitise = createSanitiser(() => rules);
const dec = (fragment: DocumentFragment) => decorate(fragment, textsFor("en"));
const markdown = () => new MarkdownView({ sanitise, decorate: dec });

Object.assign(window, { probe: { sanitise, markdown, parse, toHtml, dec, DP } });
