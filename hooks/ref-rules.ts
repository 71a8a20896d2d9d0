import { TealError } from "../apps/errors.ts";

export interface RefLine {
  /** Null: the reference is new. */
  old: string | null;
  /** Null: the reference is to be deleted. */
  new: string | null;
  ref: string;
}

export interface Verdict {
  /** Any of them refuses the whole push. */
  refusals: TealError[];
  /** The branch to deploy, if the push has one. */
  deploy: (RefLine & { new: string }) | null;
  /** Branches and tags that are only kept. */
  stored: RefLine[];
}

const DEPLOY_REFS: readonly string[] = ["refs/heads/main", "refs/heads/master"];
const MAX_LINES = 1000;
/** Narrower than git's own rule: nothing that a shell, a path or an option parser could take otherwise. */
const COMPONENT = /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_.+#@=-]{0,99}$/u;

/** Reads the lines `OLD NEW REF` that git gives to the hook. @throws Error when they are anything else */
export function parseRefLines(text: string): RefLine[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const [, old, to, ref] = /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) (\S.*)$/.exec(line) ?? [];
    if (!old || !to || !ref) throw new Error("a line of the push was not understood");
    return { old: idOrNull(old), new: idOrNull(to), ref };
  });
}

/** What is to be done with a push, as far as the names of its references tell. */
export function judge(lines: RefLine[]): Verdict {
  const deploys = lines.filter((line) => DEPLOY_REFS.includes(line.ref));
  const [first] = deploys;
  return {
    refusals: refusalsOf(lines, deploys.length),
    deploy: first?.new ? { ...first, new: first.new } : null,
    stored: lines.filter((line) => !DEPLOY_REFS.includes(line.ref)),
  };
}

/** `refs/heads/topic` as people say it. */
export function shortRef(ref: string): string {
  return ref.replace(/^refs\/(heads|tags)\//, "");
}

function refusalsOf(lines: RefLine[], deploys: number): TealError[] {
  if (lines.length > MAX_LINES) {
    return [new TealError("too-many-refs", { limit: MAX_LINES, count: lines.length })];
  }
  const refusals = lines.flatMap((line) => refusal(line) ?? []);
  if (deploys > 1) refusals.push(new TealError("one-deploy-branch", { count: deploys }));
  return refusals;
}

function refusal({ ref, new: to }: RefLine): TealError | null {
  if (!isGoodRef(ref)) return new TealError("bad-ref", { ref });
  if (to !== null || !DEPLOY_REFS.includes(ref)) return null;
  return new TealError("deploy-branch-kept", { branch: shortRef(ref) });
}

/** Whether `ref` is a branch or tag that the platform takes. */
export function isGoodRef(ref: string): boolean {
  if (ref.length > 250 || !/^refs\/(heads|tags)\//.test(ref)) return false;
  return shortRef(ref)
    .split("/")
    .every((part) => COMPONENT.test(part) && !/\.\.|@\{|\.lock$|\.$/.test(part));
}

function idOrNull(id: string): string | null {
  return /^0+$/.test(id) ? null : id;
}
