/** Returns how many milliseconds of a processor something takes: other work of the machine does not count. */
export async function busyMs(act: () => unknown): Promise<number> {
  const begun = process.cpuUsage();
  await act();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000;
}
