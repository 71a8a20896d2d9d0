import { isTealError, TealError } from "../apps/errors.ts";
import { parseImageRef, type ImageRef } from "../apps/image-ref.ts";
import type { Registries } from "../apps/registries.ts";
import type { Images } from "./engine/images.ts";
import { engineWords } from "./engine/streams.ts";
import type { Work } from "./ports.ts";
import { pullAuth } from "./registry-auth.ts";

interface Options {
  images: Pick<Images, "inspect" | "pull" | "remove">;
  registries: Pick<Registries, "open">;
}

/** Pulls those of the images that lie in registries that somebody has logged in to. @throws build-failed */
export type BringImages = (names: string[], work: Work) => Promise<void>;

/** A registry that says nothing for so long is taken to be out of reach. */
const FIRST_ANSWER_MS = 20_000;

/**
 * What a build needs of private registries is fetched before it begins: the builder takes an image
 * that is here, and is told no password. A tag that has moved is followed.
 */
export function createPrivateImages({ images, registries }: Options): BringImages {
  async function bring(ref: ImageRef, { say, signal }: Work): Promise<void> {
    const before = await images.inspect(ref.text);
    if (before && ref.digest !== undefined) return;
    try {
      const auth = await pullAuth(registries, ref, signal);
      say("info", `Pulling ${ref.text} with the login for ${ref.registry}`);
      await images.pull(ref.text, {
        firstMs: FIRST_ANSWER_MS,
        signal,
        onLine: () => {},
        ...(auth && { auth }),
      });
    } catch (error) {
      signal.throwIfAborted();
      throw failed(ref, error);
    }
    const after = await images.inspect(ref.text);
    // The image that the tag was taken from goes, unless something is made of it.
    if (before && before.id !== after?.id && before.tags.length === 1)
      await images.remove(before.id).catch(() => {});
  }

  return async (names, work) => {
    for (const name of names) {
      const ref = refOf(name);
      if (ref && ref.registry !== "" && (await registries.open(ref.registry)))
        await bring(ref, work);
    }
  };
}

/** Null where the builder has to say what is wrong with a name. */
function refOf(name: string): ImageRef | null {
  try {
    return parseImageRef(name);
  } catch {
    return null;
  }
}

function failed(ref: ImageRef, error: unknown): TealError {
  const text = isTealError(error) ? error.says : (error as Error).message;
  const reason = engineWords(text);
  const detail = `the Dockerfile's image ${ref.text} could not be pulled with the login for ${ref.registry}: ${reason} ('teal registry' shows the logins)`;
  return new TealError("build-failed", { detail }, { cause: error });
}
