import { Agent, get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

export interface SteadyLoad {
  /** Ends the load. `lost`: what was not answered with 200, each with a word on how. */
  stop(): Promise<{ answered: number; lost: string[]; bodies: Set<string> }>;
}

/**
 * A few keep-alive clients that ask `GET /` one request after the other, `pauseMs` apart, for at
 * most a minute.
 */
export function startSteadyLoad(port: number, host: string, clients = 4, pauseMs = 0): SteadyLoad {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const lost: string[] = [];
  const bodies = new Set<string>();
  const until = performance.now() + 60_000;
  let answered = 0;
  let ending = false;

  const ask = () =>
    new Promise<void>((done) => {
      const request = get({ host: "127.0.0.1", port, agent, headers: { host } }, (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (body += chunk));
        response.on("close", () => {
          if (response.statusCode === 200 && response.complete) answered++;
          else lost.push(`status ${response.statusCode ?? 0}, complete ${response.complete}`);
          bodies.add(body);
          done();
        });
      });
      request.on("error", (error) => {
        lost.push(error.message);
        done();
      });
    });
  const client = async () => {
    while (!ending && performance.now() < until) {
      await ask();
      if (pauseMs > 0) await sleep(pauseMs);
    }
  };
  const running = Promise.all(Array.from({ length: clients }, client));
  return {
    async stop() {
      ending = true;
      await running;
      agent.destroy();
      return { answered, lost, bodies };
    },
  };
}
