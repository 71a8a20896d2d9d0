import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { poll } from "./poll.ts";

/** One request as the client saw it; times in ms by `performance.now()`. */
export interface LoadResult {
  start: number;
  end: number;
  /** What the answer said it was; null when the request was lost. */
  version: string | null;
  /** Lost requests: why. */
  problem?: string;
}

export interface LoadOptions {
  host: string;
  port: number;
  /** Host header: which app is asked. */
  hostHeader: string;
  path?: string;
  /** Keep-alive connections, each with one request at a time. */
  connections: number;
  /** Rest of a connection between two requests, in ms. */
  pauseMs?: number;
  /** Finds the version in a body with status 200; null makes the request a lost one. */
  versionOf: (body: string) => string | null;
  onResult?: (result: LoadResult) => void;
  /** Ends by itself after so many requests or so many ms. */
  maxRequests?: number;
  maxMs: number;
}

export interface LoadReport {
  requests: number;
  /** Requests that got no answer with a known version. */
  lost: number;
  byVersion: Record<string, number>;
  /** Why requests were lost, and how many. */
  problems: Record<string, number>;
  seconds: number;
  /** Of all answered requests, in ms. */
  latency: { p50: number; p99: number; max: number };
}

export interface Load {
  /** When the first request that was begun after `since` and answered with `version` was answered; null: not in time, or the load was stopped before. */
  firstAnswer(version: string, since: number, timeoutMs: number): Promise<number | null>;
  /** Lets open requests end, then tells what was counted. */
  stop(): Promise<LoadReport>;
}

/** An answer that takes longer is a lost request. */
const ANSWER_MS = 30_000;

/** Starts keep-alive connections that ask one address again and again, and classifies every answer. */
export function startLoad(options: LoadOptions): Load {
  const { connections, pauseMs = 0, maxRequests = Infinity, maxMs, versionOf, onResult } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const began = performance.now();
  const byVersion: Record<string, number> = {};
  const problems: Record<string, number> = {};
  const latencies: number[] = [];
  const watched = new Map<string, number[]>();
  let sent = 0;
  const stopping = new AbortController();

  async function one(): Promise<void> {
    const start = performance.now();
    const answer = await ask(agent, options);
    const end = performance.now();
    const version = answer.status === 200 ? versionOf(answer.body) : null;
    if (version === null) {
      const problem = answer.problem ?? `status ${answer.status}`;
      problems[problem] = (problems[problem] ?? 0) + 1;
      onResult?.({ start, end, version, problem });
      return;
    }
    byVersion[version] = (byVersion[version] ?? 0) + 1;
    latencies.push(end - start);
    for (const since of watched.get(version) ?? []) {
      if (start >= since) first.set(`${version} ${since}`, first.get(`${version} ${since}`) ?? end);
    }
    onResult?.({ start, end, version });
  }
  const first = new Map<string, number>();

  async function connection(): Promise<void> {
    while (!stopping.signal.aborted && sent < maxRequests && performance.now() - began < maxMs) {
      sent += 1;
      await one();
      if (pauseMs > 0) await sleep(pauseMs);
    }
  }
  const done = Promise.all(Array.from({ length: connections }, connection));

  return {
    async firstAnswer(version, since, timeoutMs) {
      watched.set(version, [...(watched.get(version) ?? []), since]);
      const key = `${version} ${since}`;
      await poll(async () => first.has(key) || stopping.signal.aborted, timeoutMs, 5);
      return first.get(key) ?? null;
    },
    async stop() {
      stopping.abort();
      await done;
      agent.destroy();
      const lost = Object.values(problems).reduce((a, b) => a + b, 0);
      const seconds = (performance.now() - began) / 1000;
      return { requests: sent, lost, byVersion, problems, seconds, latency: summary(latencies) };
    },
  };
}

interface Answer {
  status: number;
  body: string;
  problem?: string;
}

async function ask(
  agent: Agent,
  { host, port, hostHeader, path = "/" }: LoadOptions,
): Promise<Answer> {
  return new Promise((resolve) => {
    const fail = (problem: string): void => resolve({ status: 0, body: "", problem });
    const req = request({ agent, host, port, path, headers: { host: hostHeader } }, (res) => {
      let body = "";
      res.setEncoding("utf8");
      res.on("data", (part: string) => (body += part));
      res.once("end", () => resolve({ status: res.statusCode ?? 0, body }));
      res.once("aborted", () => fail("answer cut off"));
      res.once("error", (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    });
    req.setTimeout(ANSWER_MS, () => req.destroy(new Error("no answer in time")));
    req.once("error", (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    req.end();
  });
}

function summary(latencies: number[]): LoadReport["latency"] {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) /
    10;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
