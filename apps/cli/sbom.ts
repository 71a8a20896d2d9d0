import type { Input } from "./command.ts";
import { wrongUsage } from "./parse.ts";

interface Answer {
  id: string;
  sbom: Record<string, unknown> | null;
}

/** Prints what is in a release's image, as a CycloneDX document. */
export async function showContents({ args, app: appOf, client, out }: Input): Promise<void> {
  const n = /^v?(\d{1,9})$/.exec(args[0] ?? "")?.[1];
  if (!n)
    throw wrongUsage(`A release such as v3 was expected, and '${args[0]}' came`, { name: "sbom" });
  const api = await client();
  const path = `/apps/${encodeURIComponent(await appOf())}/releases/${n}/sbom`;
  const { id, ...first } = await api.get<Answer>(path);
  let { sbom } = first;
  while (sbom === null)
    ({ sbom } = await api.get<Answer>(`${path}?errand=${encodeURIComponent(id)}`));
  out.value(sbom);
}
