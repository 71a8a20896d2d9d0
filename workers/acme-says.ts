import { get as httpGet } from "node:http";
import { get as httpsGet } from "node:https";

interface Ordering {
  host: string;
  kind: "http-01" | "tls-alpn-01";
  directoryUrl: string;
  /** PEM of the authorities that are trusted; undefined: the usual ones. */
  ca: string[] | undefined;
}

const PROBE_MS = 5000;
const MAX_DETAIL = 200;

/** What went wrong with an order, in words for people: what was expected, what came, what to do. */
export async function sayFailure(error: Error, ordering: Ordering): Promise<string> {
  const { host, kind, directoryUrl } = ordering;
  const came = error.message.slice(0, MAX_DETAIL).replace(/\.?$/, ".");
  // The library trips over an answer that is not there.
  if (error instanceof TypeError) {
    return `An ACME server was expected at ${directoryUrl}, and ${await probe(ordering)}. Look at TEAL_ACME_DIRECTORY and TEAL_CA_FILE, and whether this machine may connect to it; it is tried again by itself.`;
  }
  if (/ACME directory|API resource URL/.test(error.message)) {
    return `An ACME server's directory was expected at ${directoryUrl}: ${came} Correct TEAL_ACME_DIRECTORY.`;
  }
  if (/rate.?limit|too many/i.test(error.message)) {
    return `The ACME server takes no more orders for now: ${came} Nothing is to be done: it is tried again later, further and further apart.`;
  }
  if (/\bCAA\b/.test(error.message)) {
    return `The DNS of ${host} lets other authorities alone issue for it: ${came} Add a CAA record that names this authority, or take away those that are there.`;
  }
  if (/challenge|key authorization|validat|status code|\bDNS\b|NXDOMAIN|connect/i.test(came)) {
    const port = kind === "http-01" ? 80 : 443;
    const setting = kind === "http-01" ? "TEAL_ROUTER_PORT" : "TEAL_ROUTER_TLS_PORT";
    return `The ACME server looked for the platform's ${kind} answer at ${host}, port ${port}, and did not find it: ${came} Point the DNS of ${host} at this machine and port ${port} at ${setting}; it is tried again by itself.`;
  }
  return came;
}

/** How the directory answers to this process now. */
function probe({ directoryUrl, ca }: Ordering): Promise<string> {
  return new Promise((resolve) => {
    const options = { timeout: PROBE_MS, ...(ca && { ca }), agent: false };
    const get = directoryUrl.startsWith("https:") ? httpsGet : httpGet;
    const request = get(directoryUrl, options, (answer) => {
      answer.resume();
      resolve("the connection broke off in between");
    });
    request.on("timeout", () => request.destroy(new Error(`no answer within ${PROBE_MS} ms`)));
    request.on("error", (failed: NodeJS.ErrnoException) => {
      resolve(failed.message ? `it cannot be reached: ${failed.message}` : `got ${failed.code}`);
    });
  });
}
