import { TealError } from "../apps/errors.ts";
import { parseImageRef, type ImageRef } from "../apps/image-ref.ts";
import type { Registries } from "../apps/registries.ts";
import type { Deploy } from "../apps/types.ts";
import { DEFAULT_PORT, exposedPort, type ImageInfo } from "./engine/image-info.ts";
import type { Images } from "./engine/images.ts";
import { engineWords } from "./engine/streams.ts";
import { imageTag } from "./names.ts";
import type { Built, Work } from "./ports.ts";
import { pullAuth } from "./registry-auth.ts";

interface Options {
  images: Pick<Images, "inspect" | "pull" | "tag" | "remove">;
  registries: Pick<Registries, "open">;
  namespace: string;
}

/** A registry that says nothing for so long is taken to be out of reach. */
const FIRST_ANSWER_MS = 20_000;
const TIMEOUT_MS = 15 * 60_000;

/**
 * An image that was made elsewhere becomes the app's. A name with a registry is pulled, so that a
 * tag that has moved is followed; one without is looked for here first.
 */
export function createImageSource({ images, registries, namespace }: Options) {
  return async function take(deploy: Deploy, { say, signal }: Work): Promise<Built> {
    const ref = parseImageRef(deploy.image ?? "");
    const here = await images.inspect(ref.text);
    const pulls = !here || (ref.named && ref.digest === undefined);
    const found = pulls ? await pull(ref, here, { say, signal }) : here;
    checkOwner(found, deploy.app);
    await images.tag(found.id, imageTag(namespace, deploy.app, deploy.id));
    // From here on it is kept by the app's own tag, and goes with it.
    if (pulls && !here) await images.remove(ref.text).catch(() => {});
    const from = digestOf(found, ref);
    say("info", `Image ${from}, ${(found.bytes / 1e6).toFixed(1)} MB`);
    return {
      image: found.id,
      imageBytes: found.bytes,
      processes: { web: "" },
      port: exposedPort(found) ?? DEFAULT_PORT,
      from,
    };
  };

  async function pull(ref: ImageRef, here: ImageInfo | null, work: Work): Promise<ImageInfo> {
    const { say, signal } = work;
    say("step", `Pulling ${ref.text}`);
    try {
      const auth = await pullAuth(registries, ref, signal);
      await images.pull(ref.text, {
        firstMs: FIRST_ANSWER_MS,
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
        onLine: (text) => say("output", text),
        ...(auth && { auth }),
      });
    } catch (error) {
      signal.throwIfAborted();
      const detail = engineWords(
        error instanceof TealError ? error.says : (error as Error).message,
      );
      if (!here || !isAway(detail)) throw failed(ref, detail, error);
      say("warn", `The registry is out of reach (${detail}): the image that is here is taken`);
      return here;
    }
    const found = await images.inspect(ref.text);
    if (found) return found;
    throw failed(ref, "it was pulled, and is gone", null);
  }
}

/** An app's image is no other app's to run. Nothing else of an image's labels is read. */
function checkOwner({ config }: ImageInfo, app: string): void {
  const owner = config.labels["teal.platform"] === undefined ? app : config.labels["teal.app"];
  if (owner === app) return;
  throw new TealError("image-failed", {
    image: "The image",
    detail: "it was built for another app of this platform",
  });
}

/** The name that stands for these very bytes. */
function digestOf({ id, digests }: ImageInfo, ref: ImageRef): string {
  const bare = (ref.text.split("@", 1)[0] ?? "").replace(/:[^:/]*$/, "");
  return digests.find((one) => one.startsWith(`${bare}@`)) ?? digests[0] ?? id;
}

function isAway(detail: string): boolean {
  return /timeout|no answer|no such host|refused|unreachable|does not answer|i\/o|EOF/i.test(
    detail,
  );
}

function failed({ text }: ImageRef, detail: string, cause: unknown): TealError {
  return new TealError("image-failed", { image: text, detail }, { cause });
}
