import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

interface Deployment {
  id: number;
  sha: string;
  ref: string;
  environment: string;
  description: string | null;
}

interface Wish {
  ref: string;
  environment?: string;
  description?: string;
  auto_merge?: boolean;
  required_contexts?: string[];
}

interface DeploymentStatus {
  deployment: number;
  state: string;
  description: string;
  log_url: string;
  environment_url: string;
}

/** Of a commit. */
interface CommitStatus {
  sha: string;
  state: string;
  description: string;
  target_url: string;
}

const STATES = "error failure inactive in_progress queued pending success".split(" ");

/**
 * A GitHub Enterprise on the loopback: its deployments and commit statuses, as
 * https://docs.github.com/en/rest/deployments gives them. `faults` are what its first
 * answers about deployments are instead: a status, or "lost": it is done, and not answered.
 */
export async function startGithub(token: string, faults: (number | "lost" | "none")[] = []) {
  const deployments: Deployment[] = [];
  const statuses: DeploymentStatus[] = [];
  const commitStatuses: CommitStatus[] = [];

  function list(query: URLSearchParams): [number, unknown] {
    const wanted = deployments.filter(
      (one) => one.sha === query.get("sha") && one.environment === query.get("environment"),
    );
    return [200, wanted.toReversed()];
  }

  function create(wish: Wish): [number, unknown] {
    // By its documentation the default branch would be merged in, and all checks waited for.
    if (wish.auto_merge !== false) return [202, { message: "Auto-merged main into topic" }];
    const contexts = wish.required_contexts;
    if (!Array.isArray(contexts) || contexts.length > 0) return [409, { message: "Conflict" }];
    const made: Deployment = {
      id: deployments.length + 41,
      sha: wish.ref,
      ref: wish.ref,
      environment: wish.environment ?? "production",
      description: wish.description ?? null,
    };
    deployments.push(made);
    return [201, made];
  }

  function setStatus(deployment: number, wish: Omit<DeploymentStatus, "deployment">) {
    if (!deployments.some(({ id }) => id === deployment)) return [404, { message: "Not Found" }];
    if (!STATES.includes(wish.state) || wish.description.length > 140) {
      return [422, { message: "Validation Failed" }];
    }
    statuses.push({ ...wish, deployment });
    return [201, { id: statuses.length, state: wish.state }];
  }

  /** Null: nothing is answered. */
  function deploymentsAnswer(method: string, url: URL, id: string | undefined, body: string) {
    const fault = faults.shift() ?? "none";
    if (typeof fault === "number") return [fault, { message: "fault" }] as const;
    const done =
      method === "GET"
        ? list(url.searchParams)
        : id === undefined
          ? create(JSON.parse(body))
          : setStatus(Number(id), JSON.parse(body));
    return fault === "lost" ? null : done;
  }

  const PATH = /^\/api\/v3\/repos\/ann\/shop\/(deployments|statuses)(?:\/(\w+))?(?:\/statuses)?$/;
  function answerTo({ method = "", url: path = "", headers }: IncomingMessage, body: string) {
    if (!headers["user-agent"]) return [403, { message: "administrative rules" }] as const;
    if (headers.authorization !== `Bearer ${token}`) {
      return [401, { message: "Bad credentials" }] as const;
    }
    const url = new URL(path, "http://x");
    const [, what, id] = PATH.exec(url.pathname) ?? [];
    if (what === "deployments") return deploymentsAnswer(method, url, id, body);
    if (what !== "statuses") return [404, { message: "Not Found" }] as const;
    commitStatuses.push({ sha: id ?? "", ...JSON.parse(body) });
    return [201, {}] as const;
  }

  const server = createServer((req, res) => {
    void text(req).then((body) => {
      const answer = answerTo(req, body);
      if (!answer) return;
      res.writeHead(Number(answer[0]), { "Content-Type": "application/json" });
      res.end(JSON.stringify(answer[1]));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    repo: `http://127.0.0.1:${(server.address() as AddressInfo).port}/ann/shop.git`,
    deployments,
    statuses,
    commitStatuses,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
