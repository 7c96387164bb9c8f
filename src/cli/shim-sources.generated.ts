export const SHIM_SOURCES: readonly (readonly [string, string])[] = []
