import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** One GET on a connection of its own; the body of a 200, else a word on what came. */
export function ask(port: number, host: string, path = "/"): Promise<string> {
  return new Promise((resolve) => {
    const failed = (error: Error) => resolve(`error ${error.message}`);
    const at = { host: "127.0.0.1", port, path, headers: { host }, agent: false };
    request(at, (res) => {
      let body = "";
      res.on("data", (chunk: Buffer) => (body += chunk.toString()));
      res.on("end", () => resolve(res.statusCode === 200 ? body : `status ${res.statusCode}`));
      res.on("error", failed);
    })
      .on("error", failed)
      .end();
  });
}

/** Asks about 50 times a second until stopped (bounded), and keeps every answer that is no version `v…`. */
export function keepAsking(port: number, host: string) {
  const bad: string[] = [];
  const versions = new Set<string>();
  let asked = 0;
  let going = true;
  const done = (async () => {
    while (going && asked < 50_000) {
      const answer = await ask(port, host);
      asked++;
      if (/^v\d+$/.test(answer)) versions.add(answer);
      else bad.push(answer);
      await sleep(20);
    }
  })();
  return {
    bad,
    versions,
    asked: () => asked,
    async stop(): Promise<void> {
      going = false;
      await done;
    },
  };
}
