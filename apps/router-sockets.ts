import { readdir } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";

/** What a router of this machine says of itself, in the text format of Prometheus; null: it does not answer. */
interface RouterText {
  /** Its number. */
  router: string;
  text: string | null;
}

const SOCKET = /^router-(\d{1,3})\.sock$/;
const PATIENCE_MS = 1000;
const LIMIT = 16 * 1024 * 1024;

/** Asks every router of this machine. @param runDir where they have their sockets */
export async function readRouters(runDir: string): Promise<RouterText[]> {
  const files = await readdir(runDir).catch(() => []);
  const found = files.flatMap((file) => {
    const router = SOCKET.exec(file)?.[1];
    return router === undefined ? [] : [{ router, socket: join(runDir, file) }];
  });
  return Promise.all(
    found.map(async ({ router, socket }) => ({
      router,
      text: await ask(socket).catch(() => null),
    })),
  );
}

function ask(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path: "/metrics", timeout: PATIENCE_MS }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > LIMIT) sent.destroy(new Error("too long"));
      });
      response.once("end", () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error("no metrics there")),
      );
      response.once("error", reject);
    });
    sent.once("timeout", () => sent.destroy(new Error("it took too long")));
    sent.once("error", reject);
    sent.end();
  });
}

/** Of one app, over all routers of this machine. What is counted is counted since each of them started. */
export interface RouterFacts {
  /** Those that answered, and those that did not. */
  answering: number;
  silent: number;
  /** Requests and streams under way. */
  open: number;
  /** Instances that some router cannot reach. */
  down: string[];
  ejections: number;
  /** Requests that waited for a swap. */
  held: number;
  /** Answers 503 of the routers' own. */
  refused: number;
  /** Requests that got a 502, a 504 or a cut answer. */
  lost: number;
}

/** Picks what concerns an app. Names of apps hold nothing that a label would escape. */
export function routerFactsOf(app: string, texts: RouterText[]): RouterFacts {
  const answers = texts.flatMap(({ text }) => (text === null ? [] : [text]));
  const samples = answers.flatMap((text) => samplesOf(app, text));
  const sum = (name: string) =>
    samples.reduce((total, one) => total + (one.name === name ? one.value : 0), 0);
  const down = samples.filter(({ name, value }) => name === "teal_router_down" && value > 0);
  return {
    answering: answers.length,
    silent: texts.length - answers.length,
    open: sum("teal_router_open"),
    down: [...new Set(down.map(({ instance }) => instance))].toSorted(),
    ejections: sum("teal_router_ejections_total"),
    held: sum("teal_router_held_total"),
    refused: sum("teal_router_refused_total"),
    lost: sum("teal_router_lost_total"),
  };
}

function samplesOf(app: string, text: string) {
  return text.split("\n").flatMap((line) => {
    const [, name, labels = "", value] = /^(\w+)\{([^}]*)\} (\S+)$/.exec(line) ?? [];
    if (name === undefined || !`,${labels}`.includes(`,app="${app}"`)) return [];
    const instance = /instance="([^"]*)"/.exec(labels)?.[1] ?? "";
    return [{ name, instance, value: Number(value) }];
  });
}
