/** How many are skipped, for whatever reason. */
export const skippedOf = (skipped: Record<string, number> | undefined): number => Object.values(skipped ?? {}).reduce((a, b) => a + b, 0)
