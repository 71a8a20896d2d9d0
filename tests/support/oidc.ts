import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROVIDER_ANSWER } from "../../apps/dashboard/provider.ts";
import { createOidc } from "../../apps/oidc.ts";
import { startApi, type TestApi } from "./api.ts";
import { CLIENT } from "./openid-provider.ts";

interface Wish {
  issuer: string;
  allowPrivate?: boolean;
  caFile?: string | null;
  /** Of the client's secret; null: there is none. */
  secret?: string | null;
}

/** The API and the dashboard with sign-in at a provider; `redirectUri` is what that has to know. */
export async function startOidcApi({
  issuer,
  allowPrivate = true,
  caFile = null,
  secret = CLIENT.secret,
}: Wish): Promise<{
  api: TestApi;
  redirectUri: string;
  secretFile: string;
  stop(): Promise<void>;
}> {
  const home = mkdtempSync(join(tmpdir(), "teal-oidc-"));
  const secretFile = join(home, "oidc-secret");
  if (secret !== null) writeFileSync(secretFile, `${secret}\n`, { mode: 0o600 });
  let redirectUri = "";
  const api = await startApi({
    oidc(publicUrl, log) {
      redirectUri = new URL(PROVIDER_ANSWER, publicUrl).href;
      const oidc = { issuer, clientId: CLIENT.id };
      const settings = { oidc, allowPrivate, caFile, paths: { oidcSecret: secretFile } };
      return createOidc({ settings, redirectUri, log });
    },
  });
  return {
    ...{ api, redirectUri, secretFile },
    async stop() {
      await api.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
