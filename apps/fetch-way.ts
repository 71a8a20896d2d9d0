import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { startFetchProxy } from "./fetch-proxy.ts";
import type { FetchSource } from "./fetch-source.ts";
import type { FetchWay } from "./git.ts";
import type { Outward } from "./outward.ts";
import type { Credentials } from "./senders.ts";

interface Options {
  outward: Outward;
  /** Scratch, for keys while they are used. */
  workDir: string;
  knownHosts: string;
  maxBytes: number;
  /** An authority that is trusted besides the public ones; null or absent: none. */
  caFile?: string | null;
}

/** A way that is open: `wrong` says why the other side was not reached; `close` removes what it left. */
export interface OpenWay extends FetchWay {
  wrong(): unknown;
  close(): Promise<void>;
}

/** Objects of strangers are checked as those of a push are; see `gitConfig` for the three faults. */
const CHECKS: [string, string][] = [
  ["fetch.fsckObjects", "true"],
  ["fetch.fsck.badTimezone", "ignore"],
  ["fetch.fsck.missingSpaceBeforeDate", "ignore"],
  ["fetch.fsck.zeroPaddedFilemode", "ignore"],
];

/** A company's own certificates, where the launcher was given them. */
const AUTHORITIES = process.env["GIT_SSL_CAINFO"];

/** Opens a way to a repository on which no address but a checked one is connected to. */
export function openWay(source: FetchSource, with_: Credentials, options: Options) {
  return source.kind === "ssh"
    ? openSsh(source, with_, options)
    : openHttp(source, source.kind, with_, options);
}

/** Redirects are not followed: they could lead the token elsewhere. */
async function openHttp(
  source: FetchSource,
  protocol: "http" | "https",
  { token }: Credentials,
  { outward, maxBytes, workDir, caFile = null }: Options,
): Promise<OpenWay> {
  const bundle = caFile === null ? null : await writeBundle(caFile, workDir);
  const authorities = bundle?.file ?? AUTHORITIES;
  const proxy = await startFetchProxy({ outward, source, maxBytes });
  const config: [string, string][] = [
    ...CHECKS,
    ["http.proxy", proxy.url],
    ["http.followRedirects", "false"],
    ["http.lowSpeedLimit", "1"],
    ["http.lowSpeedTime", "60"],
  ];
  if (token) config.push(["http.extraHeader", `Authorization: Basic ${basic(token)}`]);
  return {
    url: source.url,
    protocol,
    config,
    env: authorities ? { GIT_SSL_CAINFO: authorities } : {},
    wrong: proxy.wrong,
    async close() {
      proxy.close();
      await bundle?.remove();
    },
  };
}

/** Git knows one file of authorities. */
async function writeBundle(caFile: string, workDir: string) {
  const own = await readFile(caFile, "utf8");
  await mkdir(workDir, { recursive: true });
  const dir = await mkdtemp(join(workDir, "ca-"));
  const file = join(dir, "bundle.pem");
  await writeFile(file, [...rootCertificates, own].join("\n"));
  return { file, remove: () => rm(dir, { recursive: true, force: true }) };
}

/** Any user name will do for a token, at GitHub, GitLab, Gitea and Bitbucket. */
function basic(token: string): string {
  const pair = token.includes(":") ? token : `x-token-auth:${token}`;
  return Buffer.from(pair).toString("base64");
}

/** ssh is told the checked address, and goes on knowing the host by its name. */
async function openSsh(
  source: FetchSource,
  { deployKey }: Credentials,
  { outward, workDir, knownHosts }: Options,
): Promise<OpenWay> {
  const [address] = await outward.resolve(source.host);
  await mkdir(workDir, { recursive: true });
  const dir = await mkdtemp(join(workDir, "ssh-"));
  const keyFile = join(dir, "key");
  const file = join(dir, "config");
  await writeFile(keyFile, `${(deployKey ?? "").trim()}\n`, { mode: 0o600 });
  await writeFile(file, sshConfig({ source, address: address ?? "", keyFile, knownHosts }));
  return {
    url: source.url,
    protocol: "ssh",
    config: CHECKS,
    // A shell reads this line, so it is the same whatever the names are.
    env: {
      GIT_SSH_COMMAND: 'ssh -F "$TEAL_SSH_CONFIG"',
      GIT_SSH_VARIANT: "ssh",
      TEAL_SSH_CONFIG: file,
    },
    wrong: () => null,
    close: () => rm(dir, { recursive: true, force: true }),
  };
}

interface SshWish {
  source: FetchSource;
  address: string;
  keyFile: string;
  knownHosts: string;
}

/** The first key that a host shows is believed and kept; another one later is refused. */
function sshConfig({ source, address, keyFile, knownHosts }: SshWish): string {
  const quoted = (path: string) => `"${path.replaceAll('"', '\\"')}"`;
  return `Host *
HostName ${address}
HostKeyAlias ${source.port === 22 ? source.host : `[${source.host}]:${source.port}`}
CheckHostIP no
IdentityFile ${quoted(keyFile)}
IdentitiesOnly yes
IdentityAgent none
BatchMode yes
StrictHostKeyChecking accept-new
UserKnownHostsFile ${quoted(knownHosts)}
GlobalKnownHostsFile /dev/null
ConnectTimeout 15
ForwardAgent no
PermitLocalCommand no
LogLevel ERROR
`;
}
