import { once } from "node:events";
import { connect as connect2, type ClientHttp2Session } from "node:http2";
import { Agent, get } from "node:https";
import { connect } from "node:tls";
import { type AppWorld, testApp } from "../support/test-app.ts";
import { createIssuer, type Issuer } from "../support/certificates.ts";
import { answerOf } from "../support/http2-client.ts";
import { findViolations, type Observed, type Phase } from "../support/linearizable.ts";
import { until } from "../support/platform.ts";

interface Context extends AppWorld {
  issuer: Issuer;
}
const APP = "shop";
const HOST = `${APP}.localhost`;
const REQUESTS_EACH = 20;
const test = testApp<Context>({
  ...{ app: APP, fixture: "hello-plain", files: { "version.txt": "one" }, routers: 2 },
});

test.serial.before("an authority", async (t) => {
  t.context.issuer = await createIssuer();
});

/** A certificate of the app's own; its serial number. */
async function addCertificate({ platform, issuer }: Context): Promise<void> {
  const { cert: certificate, key } = await issuer.issue([HOST]);
  const added = await platform.api("POST", `/apps/${APP}/certs`, { certificate, key });
  if (added.status !== 201) throw new Error(JSON.stringify(added.body));
}

/** Clients of both versions of HTTP, one request after the other, each connection for some. */
function startLoad({ platform, issuer }: Context) {
  const seen: Observed[] = [];
  const lost: string[] = [];
  const byVersion = { h1: 0, h2: 0 };
  let going = true;
  const at = { port: platform.tlsPort, host: "127.0.0.1", servername: HOST, ca: issuer.cert };

  async function client(version: "h1" | "h2", open: () => Promise<Connection>): Promise<void> {
    while (going) {
      const connection = await open();
      for (let i = 0; i < REQUESTS_EACH && going && connection.usable(); i++) {
        const start = performance.now();
        try {
          const { status, body } = await connection.ask();
          if (status === 200) seen.push({ start, end: performance.now(), version: body.trim() });
          else lost.push(`${version}: status ${status} ${body}`);
          byVersion[version]++;
        } catch (error) {
          lost.push(`${version}: ${String(error)}`);
        }
      }
      connection.end();
    }
  }

  async function openH1(): Promise<Connection> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ...at });
    return {
      ask: () =>
        new Promise((resolve, reject) => {
          const asked = get({ ...at, agent, headers: { host: HOST } }, (answer) => {
            let body = "";
            answer.on("data", (chunk) => (body += String(chunk)));
            answer.on("error", reject);
            answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
          });
          asked.on("error", reject);
        }),
      usable: () => true,
      end: () => agent.destroy(),
    };
  }

  async function openH2(): Promise<Connection> {
    const socket = connect({ ...at, ALPNProtocols: ["h2"] });
    await once(socket, "secureConnect");
    const session: ClientHttp2Session = connect2(`https://${HOST}`, {
      createConnection: () => socket,
    });
    session.on("error", (error) => lost.push(`h2 session: ${error.message}`));
    return {
      ask: () => answerOf(session.request({ ":path": "/", ":authority": HOST })),
      usable: () => !session.closed && !session.destroyed,
      end: () => session.close(),
    };
  }

  const running = Promise.all([
    ...Array.from({ length: 3 }, () => client("h1", openH1)),
    ...Array.from({ length: 3 }, () => client("h2", openH2)),
  ]);
  return async () => {
    going = false;
    await running;
    return { seen, lost, byVersion };
  };
}

interface Connection {
  ask(): Promise<{ status: number; body: string }>;
  usable(): boolean;
  end(): void;
}

test("An app is swapped and its certificate exchanged under https of both versions: nothing is lost or mixed", async (t) => {
  t.timeout(150_000);
  const { platform, repo } = t.context;
  await addCertificate(t.context);
  await until(20_000, async () => {
    const stop = startLoad(t.context);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const { lost, seen } = await stop().catch(() => ({ lost: ["no TLS yet"], seen: [] }));
    return lost.length === 0 && seen.length > 0;
  });
  const phases: Phase[] = [{ version: "one", notBefore: 0 }];
  const stop = startLoad(t.context);
  phases.push({ version: "two", notBefore: performance.now() });
  const pushing = repo.push({ "version.txt": "two" });
  await addCertificate(t.context);
  const pushed = await pushing;
  t.is(pushed.status, 0, pushed.text);
  for (const version of ["one", "two", "one"]) {
    phases.push({ version, notBefore: performance.now() });
    const asked = await platform.api("POST", `/apps/${APP}/rollback`, {});
    await addCertificate(t.context);
    t.is((await platform.ended(asked.body.deploy.id)).state, "live");
  }
  const { seen, lost, byVersion } = await stop();
  t.deepEqual(lost, []);
  t.deepEqual(findViolations(seen, phases), []);
  t.deepEqual(new Set(seen.map(({ version }) => version)), new Set(["one", "two"]));
  t.true(byVersion.h1 > 100 && byVersion.h2 > 100, JSON.stringify(byVersion));
  t.log(
    `${seen.length} requests, ${byVersion.h2} of them by HTTP/2, through 4 swaps and 4 certificates`,
  );
  const { certificates } = (await platform.api("GET", `/apps/${APP}/certs`)).body;
  t.is(certificates.length, 1, "each took the place of the one before");
});
