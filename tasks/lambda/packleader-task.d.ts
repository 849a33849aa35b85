declare module 'packleader-task' {
  export const handler: (event: unknown) => Promise<unknown>;
}
