import { delimiter, dirname } from "node:path";

const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * All that git knows of the world: nothing of the machine's or a user's configuration, no
 * protocol to fetch by, and of hooks only those in `hooks`, whatever the repository says.
 */
export function gitEnvironment(dir: string, home: string, hooks: string): Record<string, string> {
  return {
    // This process's own Node comes first, for the hook.
    PATH: [dirname(process.execPath), SYSTEM_PATH].join(delimiter),
    HOME: home,
    LC_ALL: "C.UTF-8",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ALLOW_PROTOCOL: "none",
    GIT_CONFIG_COUNT: "2",
    GIT_CONFIG_KEY_0: "safe.directory",
    GIT_CONFIG_VALUE_0: dir,
    GIT_CONFIG_KEY_1: "core.hooksPath",
    GIT_CONFIG_VALUE_1: hooks,
  };
}

/** The environment with more of git's configuration, which no process list shows. */
export function withConfig(
  env: Record<string, string>,
  more: [key: string, value: string][],
): Record<string, string> {
  const first = Number(env["GIT_CONFIG_COUNT"]);
  const entries = more.flatMap(([key, value], i) => [
    [`GIT_CONFIG_KEY_${first + i}`, key],
    [`GIT_CONFIG_VALUE_${first + i}`, value],
  ]);
  return { ...env, ...Object.fromEntries(entries), GIT_CONFIG_COUNT: `${first + more.length}` };
}

/**
 * A repository's configuration. The hook is named here too, so that a push past the platform is
 * refused by it. Old histories often have the three faults that fsck is told to let pass.
 */
export function gitConfig(hooksDir: string, maxInputBytes: number): string {
  const quoted = `"${hooksDir.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
  return `[core]
	repositoryformatversion = 0
	filemode = true
	bare = true
	hooksPath = ${quoted}
	fsync = committed
	fsyncMethod = batch
[gc]
	auto = 0
[transfer]
	fsckObjects = true
	hideRefs = refs/teal
[receive]
	fsckObjects = true
	maxInputSize = ${maxInputBytes}
	shallowUpdate = false
	denyNonFastForwards = false
	advertisePushOptions = true
	autogc = false
[receive "fsck"]
	badTimezone = ignore
	missingSpaceBeforeDate = ignore
	zeroPaddedFilemode = ignore
[uploadpack]
	allowAnySHA1InWant = false
`;
}
