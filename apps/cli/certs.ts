import type { Attempt } from "../acme.ts";
import type { Certificate } from "../certificates.ts";
import type { Input } from "./command.ts";
import { readGiven } from "./given-file.ts";
import type { Cell } from "./output.ts";
import { wrongUsage } from "./parse.ts";

const LIMIT = 200_000;
const DAY_MS = 86_400_000;
const SOON_DAYS = 14;

export async function listCerts({ app, client, out }: Input): Promise<void> {
  const path = `/apps/${encodeURIComponent(await app())}/certs`;
  const answer = await (await client()).get<Answer>(path);
  if (out.json) return out.value(answer);
  if (answer.certificates.length === 0) {
    out.line(
      answer.auto
        ? "No certificates yet; the platform orders them for the hosts that the app answers at."
        : "No certificates: 'teal certs:add CERT KEY' brings one.",
    );
  } else {
    showTable(answer.certificates, out);
  }
  for (const { host, error, nextAt } of answer.failed) {
    const next = new Date(nextAt).toISOString().slice(0, 16);
    out.note(`${host}: ${out.foreign(error)} The next order is at ${next}Z.`);
  }
}

function showTable(certificates: Certificate[], out: Input["out"]): void {
  const rows = certificates.map((one): Cell[] => [
    one.id,
    one.names.join(", "),
    one.source === "own" ? `${one.by} brought it` : "the platform ordered it",
    left(one.notAfter),
    one.issuer,
  ]);
  out.table(["ID", "NAMES", "FROM", "LEFT", "ISSUER"], rows, 1);
}

interface Answer {
  certificates: Certificate[];
  auto: boolean;
  failed: Attempt[];
}

function left(notAfter: number): Cell {
  const days = Math.floor((notAfter - Date.now()) / DAY_MS);
  if (days < 0) return { text: "ran out", paint: "red" };
  const text = `${days} ${days === 1 ? "day" : "days"}`;
  return days < SOON_DAYS ? { text, paint: "yellow" } : text;
}

export async function addCert({ args, app, client, out }: Input): Promise<void> {
  const [file = "", keyFile] = args;
  const command = "certs:add";
  const certificate = await readGiven(file, { limit: LIMIT, what: "a certificate", command });
  const key =
    keyFile === undefined || (keyFile === "-" && file === "-")
      ? ""
      : await readGiven(keyFile, { limit: LIMIT, what: "a private key", command });
  const path = `/apps/${encodeURIComponent(await app())}/certs`;
  const answer = await (
    await client()
  ).post<{ certificate: Certificate }>(path, { certificate, key });
  if (out.json) return out.value(answer);
  const { id, names, notAfter } = answer.certificate;
  const end = new Date(notAfter).toISOString().slice(0, 10);
  out.line(`Certificate ${id} serves ${names.join(", ")} until ${end}.`);
}

export async function autoCerts({ args, app: appOf, client, out }: Input): Promise<void> {
  const [word = ""] = args;
  if (word !== "on" && word !== "off") {
    throw wrongUsage(`on or off was expected, and '${word}' came`, { name: "certs:auto" });
  }
  const app = await appOf();
  const path = `/apps/${encodeURIComponent(app)}/certs/auto`;
  const answer = await (await client()).post<{ auto: boolean }>(path, { auto: word === "on" });
  if (out.json) return out.value(answer);
  out.line(
    answer.auto
      ? `The platform orders and renews certificates for ${app}.`
      : `The platform orders no certificates for ${app}.`,
  );
}

export async function removeCert({ args, app: appOf, client, out }: Input): Promise<void> {
  const [id = ""] = args;
  const app = await appOf();
  await (await client()).delete(`/apps/${encodeURIComponent(app)}/certs/${encodeURIComponent(id)}`);
  if (out.json) return out.value({ id, removed: true });
  out.line(`${app} is served with ${id} no more.`);
}
