import { TealError } from "../apps/errors.ts";
import type { ImageRef } from "../apps/image-ref.ts";
import { isLoopback, type Registries } from "../apps/registries.ts";

/** What the engine is given to pull with. */
export type PullAuth =
  | { registrytoken: string; serveraddress: string }
  | { username: string; password: string; serveraddress: string };

interface Challenge {
  scheme: string;
  realm: string;
  service: string;
}

const ANSWER_MS = 10_000;
/** Bytes. */
const LONGEST_ANSWER = 100_000;

/**
 * Gets the right to pull one repository. A registry says itself where tokens are made; the password
 * is sent there only if that is the login's realm, or the registry's own host. The engine gets a
 * token, which is good for this repository and for no other place.
 * @returns null when nobody has logged in at that registry
 * @throws registry-refused
 */
export async function pullAuth(
  registries: Pick<Registries, "open">,
  image: ImageRef,
  signal: AbortSignal,
): Promise<PullAuth | null> {
  const login = image.registry === "" ? null : await registries.open(image.registry);
  if (!login) return null;
  const { host, username, password } = login;
  const refused = (detail: string) => new TealError("registry-refused", { host, detail });
  const base = baseOf(host);
  const challenge = await challengeOf(base, signal).catch((error: unknown) => {
    throw refused(`it does not answer (${reasonOf(error)})`);
  });
  if (challenge.scheme === "") return null;
  if (challenge.scheme === "basic") return { username, password, serveraddress: host };
  const realm = URL.parse(challenge.realm);
  if (!realm || !isTrusted(realm, login.realm, base)) {
    throw refused(
      `it wants the password sent to ${challenge.realm.slice(0, 200)}, and the login is for ${login.realm ?? host}`,
    );
  }
  realm.searchParams.set("service", challenge.service);
  realm.searchParams.set("scope", `repository:${image.repository}:pull`);
  const token = await tokenOf(realm, `${username}:${password}`, signal).catch((error: unknown) => {
    throw refused(reasonOf(error));
  });
  return { registrytoken: token, serveraddress: host };
}

function baseOf(host: string): string {
  if (host === "docker.io") return "https://registry-1.docker.io";
  return isLoopback(`http://${host}`) ? `http://${host}` : `https://${host}`;
}

/** A realm is an origin and a path; what it asks for is not part of it. */
function isTrusted(realm: URL, configured: string | null, base: string): boolean {
  if (realm.username || realm.password) return false;
  const own = new URL(base);
  if (configured === null) return realm.origin === own.origin;
  const wanted = new URL(configured);
  return realm.origin === wanted.origin && realm.pathname === wanted.pathname;
}

async function challengeOf(base: string, signal: AbortSignal): Promise<Challenge> {
  const answer = await fetch(`${base}/v2/`, bounds(signal));
  await answer.body?.cancel();
  const header = answer.headers.get("www-authenticate") ?? "";
  if (answer.status !== 401) return { scheme: "", realm: "", service: "" };
  const [, scheme = ""] = /^\s*(\w+)/.exec(header) ?? [];
  const field = (name: string) => new RegExp(`\\b${name}="([^"]*)"`, "i").exec(header)?.[1] ?? "";
  return { scheme: scheme.toLowerCase(), realm: field("realm"), service: field("service") };
}

async function tokenOf(realm: URL, pair: string, signal: AbortSignal): Promise<string> {
  const answer = await fetch(realm, {
    ...bounds(signal),
    headers: { Authorization: `Basic ${Buffer.from(pair).toString("base64")}` },
  });
  const text = await textOf(answer);
  if (answer.status !== 200) throw new Error(`the login was answered with status ${answer.status}`);
  const { token, access_token } = JSON.parse(text) as Record<string, unknown>;
  const given = token ?? access_token;
  if (typeof given === "string" && given !== "") return given;
  throw new Error("the login was answered without a token");
}

/** @throws Error when there is more of it than any token needs */
async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > LONGEST_ANSWER) throw new Error("the login's answer is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Redirects are not followed: they could lead the password elsewhere. */
function bounds(signal: AbortSignal): RequestInit {
  return {
    redirect: "manual",
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
  };
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error & { cause?: Error };
  return (cause?.message ?? message).slice(0, 200);
}
