/** What runs ask of the page: actions, page-side tools, fresh tokens. */
import type { Claim } from "./claim";
import type { FrontdeskError } from "./errors";
import type { ActionHandlers, ActionView, ClientToolView, PageTools } from "./types";
import type { Run } from "./run";

export interface Page {
  readonly actions: ActionHandlers;
  readonly tools: PageTools;
}

/** Returns a function that looks at what a run asks for, and does what was not done yet. */
export function openPageRequests(
  claim: Claim,
  page: Page,
  listeners: ReadonlySet<(action: ActionView) => void>,
  fail: (error: FrontdeskError) => void,
): (run: Run) => void {
  return (run) => {
    const { actions, clientTools, authRequiredUntil } = run.answer;
    const isNew = (asked: string) => run.seen.size < run.seen.add(asked).size;
    for (const action of actions) if (isNew(action.id)) void act(run, action);
    for (const tool of clientTools) if (own(page.tools, tool.name) && isNew(tool.toolCallId)) void use(run, tool);
    if (authRequiredUntil && isNew(authRequiredUntil)) void run.tell("credential").catch(fail);
  };

  /** Does an action. As claims are settled in their order, so are actions done. */
  async function act(run: Run, action: ActionView): Promise<void> {
    const handler = own(page.actions, action.type);
    const all = handler ? [() => handler(action.value, action), ...listeners] : [...listeners];
    if (all.length && (await claim(action.id)) && !run.user.aborted) tell(all, action);
  }

  /** Runs a page-side tool, in one tab, and posts what came of it. */
  async function use(run: Run, { toolCallId, name, arguments: args }: ClientToolView): Promise<void> {
    if (!(await claim(toolCallId)) || run.user.aborted) return;
    const result = await Promise.resolve(args)
      .then(page.tools[name])
      .catch((error) => ({ error: String(error) }));
    await run.tell("results", { tool_call_id: toolCallId, result: result ?? null }).then(run.resume, fail);
  }
}

/** Calls what the page gave us. What it throws is the page's matter, and stops nothing here. */
export function tell<Item>(listeners: Iterable<(item: Item) => void>, item: Item): void {
  for (const listener of listeners) {
    try {
      listener(item);
    } catch (error) {
      console.error(error);
    }
  }
}

/** Returns a record's own entry: names come from the model, and `constructor` is none that the page gave. */
function own<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
