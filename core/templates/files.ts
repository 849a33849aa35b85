/** Every file of a factory, by its path in the factory. */
export type Files = ReadonlyMap<string, Uint8Array>;
