// OpenAI's own client for Node: `node ask.mjs <base url> <token> <request>`, from the folder of the package.
import OpenAI from "openai";
import { ask } from "./reading.mjs";

const [baseURL, apiKey, request] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
await ask(client, JSON.parse(request), (line) => console.log(JSON.stringify(line)));
