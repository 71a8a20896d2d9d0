import { readPromoteAfter } from "../apps/promote-after.ts";
import type { Intent } from "../apps/types.ts";

/**
 * What `git push -o` may say of its deploy: `hold` lets it wait in the idle colour to be promoted,
 * `irreversible` says that older code no longer works after it, `verbose` has all that the builder
 * says in its log.
 */
const FLAGS = ["hold", "irreversible", "verbose"] as const;

/** `git push -o promote-after=10m`: this one waits so long at most. */
const PROMOTE_AFTER = "promote-after=";

/** What the options of a push wish of its deploy. @throws bad-request */
export function wishOf(options: string[]): Pick<Intent, (typeof FLAGS)[number] | "promoteAfter"> {
  const flags = FLAGS.filter((flag) => options.includes(flag)).map((flag) => [flag, true]);
  const after = options.findLast((one) => one.startsWith(PROMOTE_AFTER));
  return {
    ...Object.fromEntries(flags),
    ...(after !== undefined && {
      promoteAfter: readPromoteAfter(after.slice(PROMOTE_AFTER.length)) * 1000,
    }),
  };
}

/** Those that mean nothing here. */
export function unknownOptions(options: string[]): string[] {
  return options.filter(
    (one) => !(FLAGS as readonly string[]).includes(one) && !one.startsWith(PROMOTE_AFTER),
  );
}
