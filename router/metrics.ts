import { createServer, type Server } from "node:http";
import { chmod, mkdir, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { LATENCY_MS } from "./contract.ts";
import type { AppStats, RouterStats } from "./stats.ts";

const CLASSES = [1, 2, 3, 4, 5];

type Labels = Record<string, string>;

interface Writer {
  family(name: string, type: "counter" | "gauge" | "histogram", help: string): void;
  sample(name: string, labels: Labels, value: number): void;
}

/** A router's state in the text format of Prometheus. */
export function metricsText(stats: RouterStats): string {
  const lines: string[] = [];
  const family: Writer["family"] = (name, type, help) =>
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  const sample: Writer["sample"] = (name, labels, value) => {
    const text = Object.entries(labels).map(([key, is]) => `${key}="${escaped(is)}"`);
    lines.push(`${name}${text.length > 0 ? `{${text.join(",")}}` : ""} ${value}`);
  };
  const apps = Object.entries(stats.apps);
  const colours = apps.flatMap(([app, { tallies }]) =>
    Object.entries(tallies).map(([colour, tally]) => ({ labels: { app, colour }, tally })),
  );

  family("teal_router_connections", "gauge", "Open connections of clients.");
  sample("teal_router_connections", {}, stats.connections);
  family("teal_router_waiting", "gauge", "Requests that wait for a swap now.");
  sample("teal_router_waiting", {}, stats.waiting);
  family("teal_router_unreachable", "gauge", "Requests that wait for a target they can reach.");
  sample("teal_router_unreachable", {}, stats.unreachable);
  family("teal_router_log_left_out_total", "counter", "Lines that the disk did not take.");
  sample("teal_router_log_left_out_total", {}, stats.leftOut);
  family("teal_router_answers_total", "counter", "Answers by app, colour and class of status.");
  for (const { labels, tally } of colours) {
    for (const digit of CLASSES) {
      const value = tally.byClass[digit] ?? 0;
      sample("teal_router_answers_total", { ...labels, class: `${digit}xx` }, value);
    }
  }
  family("teal_router_answer_seconds", "histogram", "From a request's head to its answer's.");
  for (const { labels, tally } of colours) {
    let below = 0;
    tally.buckets.forEach((count, i) => {
      below += count;
      const bound = LATENCY_MS[i];
      const le = bound === undefined ? "+Inf" : String(bound / 1000);
      sample("teal_router_answer_seconds_bucket", { ...labels, le }, below);
    });
    sample("teal_router_answer_seconds_sum", labels, tally.seconds);
    sample("teal_router_answer_seconds_count", labels, below);
  }
  ofInstances(apps, { family, sample });
  family(
    "teal_router_ejections_total",
    "counter",
    "Instances passed over from then on, as others were up.",
  );
  for (const [app, { ejections }] of apps)
    sample("teal_router_ejections_total", { app }, ejections);
  family("teal_router_streams", "gauge", "Event streams and WebSockets under way.");
  for (const [app, { streams }] of apps) sample("teal_router_streams", { app }, streams);
  for (const [what, help] of [
    ["held", "Requests that waited for a swap."],
    ["retried", "Requests sent a second time, on a fresh connection."],
    ["refused", "Answers 503 of the router's own."],
    ["lost", "Requests that got a 502, a 504 or a cut answer."],
  ] as const) {
    family(`teal_router_${what}_total`, "counter", help);
    for (const [app, { counters }] of apps) {
      sample(`teal_router_${what}_total`, { app }, counters[what]);
    }
  }
  family("teal_router_idle_answers_total", "counter", "Answers of the idle colour at its address.");
  for (const [app, { idleAnswers }] of apps) {
    sample("teal_router_idle_answers_total", { app }, idleAnswers);
  }
  family("teal_router_turned_away_total", "counter", "Requests that a policy kept from their app.");
  for (const [app, { turnedAway }] of apps) {
    sample("teal_router_turned_away_total", { app }, turnedAway);
  }
  return `${lines.join("\n")}\n`;
}

/** Of those that are live. */
function ofInstances(apps: [string, AppStats][], { family, sample }: Writer): void {
  const all = apps.flatMap(([app, { targets }]) =>
    targets.map((target) => ({ ...target, labels: { app, instance: target.id } })),
  );
  family("teal_router_open", "gauge", "Requests, event streams and WebSockets under way.");
  for (const { labels, open } of all) sample("teal_router_open", labels, open);
  family("teal_router_down", "gauge", "1 for an instance that took no connection of late.");
  for (const { labels, down } of all) sample("teal_router_down", labels, down ? 1 : 0);
  family("teal_router_instance_answers_total", "counter", "Answers of an instance's own by class.");
  for (const { labels, answers } of all) {
    for (const digit of CLASSES) {
      const value = answers.byClass[digit] ?? 0;
      sample("teal_router_instance_answers_total", { ...labels, class: `${digit}xx` }, value);
    }
  }
  family(
    "teal_router_instance_failed_total",
    "counter",
    "Requests that it left without an answer.",
  );
  for (const { labels, answers } of all) {
    sample("teal_router_instance_failed_total", labels, answers.failed);
  }
  family("teal_router_instance_cut_total", "counter", "Answers of it that broke off.");
  for (const { labels, answers } of all) {
    sample("teal_router_instance_cut_total", labels, answers.cut);
  }
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/**
 * Serves `/metrics` on a unix socket that only its owner can open; a socket file of a dead process
 * is replaced.
 * @throws when the socket cannot be made
 */
export async function serveMetrics(file: string, stats: () => RouterStats): Promise<Server> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await unlink(file).catch(() => undefined);
  const server = createServer((req, res) => {
    const here = req.url === "/metrics";
    res.writeHead(here ? 200 : 404, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
    res.end(here ? metricsText(stats()) : "Only /metrics is here.\n");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(file, resolve);
  });
  await chmod(file, 0o600);
  return server;
}
