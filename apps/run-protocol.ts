import { z } from "zod";

/**
 * One-off commands: what is asked for, and what passes between a client and the container that runs
 * one, by WebSocket: from the client to the platform, and on from there to the worker that has it.
 * To the container: binary messages are its standard input, texts are `ToRun` as JSON. From it: a
 * binary message begins with the byte 1 (standard output) or 2 (error), texts are `FromRun`.
 */
const size = z.number().int().min(1).max(1000);

export const runWish = z.strictObject({
  command: z
    .array(z.string().max(32_768))
    .max(200)
    .describe("one word: as a shell reads it, or a process type; several: the arguments"),
  inside: z
    .string()
    .regex(/^[\w-]{1,60}\.\d{1,6}$/, "an instance such as web.1")
    .optional()
    .describe("run it in this instance"),
  detached: z.boolean().default(false).describe("nobody is attached; its output is in the logs"),
  tty: z.boolean().default(false),
  columns: size.default(80),
  rows: size.default(24),
  term: z
    .string()
    .regex(/^[A-Za-z0-9._+-]{1,60}$/)
    .default("xterm"),
});
export type RunWish = z.infer<typeof runWish>;

export const toRun = z.union([
  z.strictObject({ resize: z.strictObject({ columns: size, rows: size }) }),
  z.strictObject({ end: z.literal(true) }).describe("standard input is at its end"),
  z.strictObject({ signal: z.enum(["INT", "TERM", "QUIT", "HUP"]) }),
]);
export type ToRun = z.infer<typeof toRun>;

export type FromRun = { exit: number } | { failed: string };

/** Largest message, bytes. */
export const MOST_MESSAGE = 1024 * 1024;
/** Beyond so many bytes that wait to be sent, no more are read. */
export const MOST_WAITING = 256 * 1024;

/** One that was asked for. */
export interface Run {
  /** `3fa2bc91` */
  id: string;
  app: string;
  release: number;
}
