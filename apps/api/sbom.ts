import { z } from "zod";
import { TealError } from "../errors.ts";
import { resultOf } from "./gc.ts";
import { route, type ApiOptions, type Route } from "./route.ts";

const query = z.object({
  errand: z.string().max(100).optional().describe("ask again for what was asked for before"),
});

/** What is in a release's image; a worker looks. */
export function sbomRoutes({ store, errands }: ApiOptions): Route[] {
  return [
    route({
      method: "get",
      path: "/apps/:app/releases/:n/sbom",
      summary: "What is in the release's image, as a CycloneDX 1.5 document",
      subject: "app",
      needs: "read",
      query,
      slow: true,
      answer: z.object({
        id: z.string(),
        sbom: z
          .record(z.string(), z.unknown())
          .nullable()
          .describe("null: it is still under way; ask again with `errand`"),
      }),
      async handle({ subject, params, query: { errand } }) {
        const n = /^v?(\d{1,9})$/.exec(params["n"] ?? "")?.[1];
        const release = n ? await store.getRelease(subject.name, Number(n)) : null;
        if (!release) {
          const named = (params["n"] ?? "").slice(0, 40);
          throw new TealError("release-not-found", { name: subject.name, release: named });
        }
        const wanted = { kind: "sbom", app: subject.name, release: release.n } as const;
        const found = errand === undefined ? null : await errands.look(errand);
        // An errand of another app is none of this one's.
        const own = found?.errand.kind === "sbom" && found.errand.app === subject.name;
        const id = own && errand !== undefined ? errand : await errands.ask(wanted);
        return { id, sbom: await resultOf(errands, id) };
      },
    }),
  ];
}
