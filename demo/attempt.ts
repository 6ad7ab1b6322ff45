/** Does something, and puts into words how that went. */
export function attempt(act: () => void, done: string): string {
  try {
    act();
    return done;
  } catch (error) {
    return error instanceof Error
      ? `${error.name}: ${error.message}`
      : String(error);
  }
}
