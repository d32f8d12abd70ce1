/** Milliseconds since the page began, whole: differences are whole as well. */
export const now = (): number => Math.round(performance.now());
