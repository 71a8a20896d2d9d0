/** A failure that a person can mend: printed as it is, without a stack. */
export class PlatformError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PlatformError";
  }
}
