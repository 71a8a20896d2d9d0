/** Names of environment variables that can be set. */
export const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Is it one that the platform gives, and nobody else? */
export function isGivenName(name: string): boolean {
  return name === "PORT" || name.startsWith("TEAL_");
}
