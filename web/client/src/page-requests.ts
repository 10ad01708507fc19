/** What runs ask of the page: actions, page-side tools, fresh tokens. */
import type { Claim } from "./claim";
import { randomId } from "./turn";
import type { FrontdeskError } from "./errors";
import type { ActionHandlers, ActionView, PageTools } from "./types";
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
    for (const action of actions) {
      // Names come from the model, and `constructor`, which every object has, is none that the page gave.
      const handler = ({ __proto__: null, ...page.actions } as unknown as ActionHandlers)[action.type];
      const act = () => handler!(action.value, action);
      void take(run, action.id, handler ? [act, ...listeners] : [...listeners], action, action.expects_result);
    }
    for (const { toolCallId, name, arguments: args } of clientTools)
      void take(run, toolCallId, [({ __proto__: null, ...page.tools } as unknown as PageTools)[name]!], args, true);
    if (authRequiredUntil && isNew(run, authRequiredUntil)) void run.tell("credential").catch(fail);
  };

  /**
   * Lets one tab do what is asked for, if there is anybody to do it: all of these or, where the run waits for what comes of
   * it, the first one. Then the server says whose it is, for its user may have other browsers. As claims are settled in their
   * order, so are actions done.
   */
  async function take<Item>(run: Run, id: string, all: Does<Item>[], item: Item, isAwaited?: boolean): Promise<void> {
    if (!all[0] || !isNew(run, id)) return;
    const isOurs = isAwaited ? run.tell("claims", { tool_call_id: id, claimant: randomId() }) : claim(id);
    if (!(await isOurs.catch(() => null)) || run.user.aborted) return; // another's, or its time is over: no failure
    if (!isAwaited) return tell(all, item);
    let said;
    try {
      said = { result: await all[0](item) };
      JSON.stringify(said);
    } catch (error) {
      said = { error: String(error) };
    }
    const post = (told: object) => run.tell("results", { tool_call_id: id, ...told });
    // Too large, say: the model hears of that, rather than nothing.
    await post(said)
      .catch((lost: FrontdeskError) => lost.recoverable || post({ error: lost.message }))
      .catch(console.error);
  }
}

type Does<Item> = (item: Item) => unknown;

/** Returns whether a run has not asked for this before. */
const isNew = (run: Run, asked: string) => run.seen.size < run.seen.add(asked).size;

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
