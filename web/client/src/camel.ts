/** The wire's names in ours: `tool_call_id` is `toolCallId`. */
type Camel<Name> = Name extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : Name;

export type Camelled<Wire> = { [Name in keyof Wire as Camel<Name & string>]: Wire[Name] };

/** Returns an object with its own names changed; what is inside its values stays. */
export function camel<Wire extends object>(wire: Wire): Camelled<Wire> {
  const named = (name: string) => name.replace(/_./g, ([, letter]) => letter!.toUpperCase());
  return Object.fromEntries(Object.entries(wire).map(([name, value]) => [named(name), value])) as Camelled<Wire>;
}
