/** What a command's exit code means to whoever started it. */
export const EXIT = { released: 0, rolledBack: 1, refused: 2, rollbackIncomplete: 3 } as const;
