import { request } from "node:http";
import { text } from "node:stream/consumers";
import { connect } from "node:tls";
import { recordCommands } from "./command-record.ts";
import { startPlatform } from "./platform.ts";
import { createRepo } from "./repo.ts";
import { watchApi } from "./watched-api.ts";

const APP = "shop";
export const HOST = `${APP}.localhost`;

/** A platform with watched API and command line, and a clone of one app that shows its config. */
export async function startAppWorld(env: Record<string, string>) {
  const platform = await startPlatform({ env });
  const api = await watchApi(platform);
  const cli = recordCommands({ ...platform, apiUrl: api.apiUrl });
  const repo = createRepo("shows-config", platform, APP);
  await repo.init();

  const about = (what: string): string[] => {
    const words = what.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', "")) ?? [];
    return [...words, "-a", APP];
  };
  /** Says a command about the app, where quotes keep words together; what it prints as JSON. */
  const say = (what: string, input = "") => cli.say(about(what), { input });

  /** A request to the router; a body makes it a POST. */
  function send(path: string, host = HOST, body?: string) {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
    const at = { host: "127.0.0.1", port: platform.routerPort, path, agent: false };
    const method = body === undefined ? "GET" : "POST";
    const headers = { host, accept: "text/html" };
    const sent = request({ ...at, method, headers }, (answer) => {
      const status = answer.statusCode ?? 0;
      text(answer).then((got) => resolve({ status, body: got }), reject);
    });
    sent.once("error", reject);
    sent.end(body);
    return promise;
  }

  return {
    ...{ platform, api, cli, repo, say, send },
    /** What a command about the app prints for people. */
    words: (what: string) => cli.words(about(what)),
    /** A route that no command about an app asks. */
    async ask(path: string): Promise<any> {
      const headers = { authorization: `Bearer ${platform.adminToken()}` };
      return (await fetch(`${api.apiUrl}/api/v1${path}`, { headers })).json();
    },
    /** The instances of the live release, by name. */
    live: async () =>
      ((await say("ps")) as { process: string; index: number; serves: string }[])
        .filter(({ serves }) => serves === "live")
        .map(({ process: type, index }) => `${type}.${index}`)
        .toSorted(),
    /** A value of the config that the app has. */
    value: async (name: string) => (await send(`/value?name=${name}`)).body,
    /** Which version of its code the app says that it is. */
    codeOf: async (host = HOST) => JSON.parse((await send("/", host)).body).code as string,
    /** The names of the certificate that the router shows for the app's host; "" when it has none. */
    servedNames(): Promise<string> {
      const { promise, resolve } = Promise.withResolvers<string>();
      const at = { port: platform.tlsPort, host: "127.0.0.1", servername: HOST };
      const socket = connect({ ...at, rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().subjectaltname ?? "");
        socket.destroy();
      });
      socket.once("error", () => resolve(""));
      return promise;
    },
    async stop(): Promise<void> {
      repo.remove();
      api.stop();
      await platform.stop();
    },
  };
}
