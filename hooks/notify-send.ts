import { exchange } from "../apps/exchange.ts";
import type { Outward } from "../apps/outward.ts";
import type { Message } from "./notify-format.ts";

/** A whole exchange may take so long. */
const EXCHANGE_MS = 10_000;

/**
 * Sends a message and gives the answer's status; what the answer says is not read. Redirects are
 * not followed, and the address is checked where the connection is made.
 * @throws private-address, Error
 */
export function send(outward: Outward, message: Message, ms = EXCHANGE_MS): Promise<number> {
  return exchange(outward, message, { ms }, async ({ statusCode = 0 }) => statusCode);
}
