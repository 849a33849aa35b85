/** What a run leaves on the machine is taken back at its end, whatever the end is. */
const effects: (() => void)[] = [];

/** Registers something to undo; newest first, when the process ends or is interrupted. Returns a way to do it earlier. */
export function atEnd(effect: () => void): () => void {
  const once = (): void => {
    const index = effects.indexOf(once);
    if (index === -1) return;
    effects.splice(index, 1);
    effect();
  };
  effects.push(once);
  return once;
}

function undoEverything(): void {
  for (const effect of effects.toReversed()) {
    try {
      effect();
    } catch (error) {
      process.stderr.write(`Could not clean up: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
}

process.on('exit', undoEverything);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));

/** Ends a process and everything it started, which must be its process group. */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
