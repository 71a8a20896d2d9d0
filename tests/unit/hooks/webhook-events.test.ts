import test from "ava";
import type { Provider } from "../../../apps/senders.ts";
import { readEvent, type Happening } from "../../../hooks/webhook-events.ts";
import { createMatcher } from "../../../hooks/webhook-paths.ts";
import {
  BITBUCKET_PUSH,
  BITBUCKET_SERVER_PUSH,
  BITBUCKET_STATUS,
  GITEA_PUSH,
  GITLAB_PIPELINE,
  GITLAB_PUSH,
} from "../../fixtures/webhooks.ts";

const read = (provider: Provider, payload: unknown, headers: Record<string, string> = {}) =>
  readEvent(provider, headers, payload, { branch: "main", image: null }) as Partial<
    Happening & { reason: string }
  >;

test("GitLab's push and its pipeline that passed name the commit and where it lies", (t) => {
  t.like(read("gitlab", GITLAB_PUSH), {
    event: "push",
    commit: "da1560886d4f094c3e6c9ef40349f7d38b5d27d7",
    ref: "refs/heads/master",
    why: "fixed readme",
    repo: { name: "mike/diaspora", url: "http://example.com/mike/diaspora.git" },
  });
  t.is(
    read("gitlab", GITLAB_PUSH).files,
    undefined,
    "two of four commits are not all that changed",
  );
  const whole = { ...GITLAB_PUSH, total_commits_count: 2 };
  t.deepEqual(
    new Set(read("gitlab", whole).files),
    new Set(["CHANGELOG", "app/controller/application.rb"]),
  );
  t.like(read("gitlab", GITLAB_PIPELINE), {
    event: "pipeline",
    commit: "bcbb5ec396a2c0f828686f14fac9b80b780504f2",
    ref: "refs/heads/master",
    why: "test",
  });
});

test("GitLab's pipelines that failed, or are about a merge request or a tag, do not pass for the branch", (t) => {
  const run = (change: object, more: object = {}) => {
    const object_attributes = { ...GITLAB_PIPELINE.object_attributes, ...change };
    return read("gitlab", { ...GITLAB_PIPELINE, object_attributes, ...more });
  };
  for (const status of ["failed", "canceled", "running", "pending", "skipped", "manual"]) {
    t.regex(run({ status }).reason ?? "", new RegExp(`"${status}"`));
  }
  t.regex(run({ source: "merge_request_event" }).reason ?? "", /merge request/);
  t.regex(run({}, { merge_request: { id: 1 } }).reason ?? "", /merge request/);
  t.is(run({ tag: true, ref: "master" }).ref, "refs/tags/master");
  const deleted = { ...GITLAB_PUSH, after: "0".repeat(40), checkout_sha: null };
  t.regex(read("gitlab", deleted).reason ?? "", /deleted/);
  t.regex(read("gitlab", { object_kind: "tag_push" }).reason ?? "", /deploys nothing/);
});

test("of Bitbucket's push of several branches, the one that is deployed counts", (t) => {
  const push = { "x-event-key": "repo:push" };
  t.like(read("bitbucket", BITBUCKET_PUSH, push), {
    commit: "1e65c05c1d5171631d92438a13901ca7dae9618c",
    ref: "refs/heads/main",
    repo: { name: "team_name/repo_name", url: "https://bitbucket.org/team_name/repo_name.git" },
  });
  const [topic] = BITBUCKET_PUSH.push.changes;
  const other = { ...BITBUCKET_PUSH, push: { changes: [topic] } };
  t.is(read("bitbucket", other, push).ref, "refs/heads/name-of-branch");
  const closed = { ...BITBUCKET_PUSH, push: { changes: [{ new: null, closed: true }] } };
  t.regex(read("bitbucket", closed, push).reason ?? "", /no branch/);
  const server = read("bitbucket", BITBUCKET_SERVER_PUSH, { "x-event-key": "repo:refs_changed" });
  t.like(server, { commit: "178864a7d521b6f5e720b386b2c2b0ef8563e0dc", ref: "refs/heads/main" });
});

test("Bitbucket's build status deploys when it is successful", (t) => {
  const updated = { "x-event-key": "repo:commit_status_updated" };
  t.like(read("bitbucket", BITBUCKET_STATUS, updated), {
    event: "commit_status",
    commit: "9fec847784abb10b2fa567ee63b85bd238955d0e",
    ref: "refs/heads/main",
    why: "Unit Tests (Python)",
  });
  for (const state of ["INPROGRESS", "FAILED", "STOPPED"]) {
    const commit_status = { ...BITBUCKET_STATUS.commit_status, state };
    const found = read("bitbucket", { ...BITBUCKET_STATUS, commit_status }, updated);
    t.regex(found.reason ?? "", new RegExp(state));
  }
  t.regex(read("bitbucket", {}, { "x-event-key": "pullrequest:created" }).reason ?? "", /nothing/);
});

test("Gitea's and Forgejo's push is read under either name", (t) => {
  for (const name of ["x-gitea-event", "x-forgejo-event"]) {
    t.like(read("gitea", GITEA_PUSH, { [name]: "push" }), {
      commit: "bffeb74224043ba2feb48d137756c8a9331c449a",
      ref: "refs/heads/develop",
      repo: { name: "gitea/webhooks", url: "http://localhost:3000/gitea/webhooks.git" },
      files: undefined,
    });
  }
});

test("path filters match files, folders and globs", (t) => {
  const yes: [string, string][] = [
    ["src/a.js", "src/**"],
    ["src/deep/a.js", "src/**/*.js"],
    ["src/a.js", "src/**/*.js"],
    ["src/a.js", "src"],
    ["src/a.js", "src/"],
    ["package.json", "*.json"],
    ["a+b(c).txt", "a+b(c).txt"],
    ["x/y/Dockerfile", "**/Dockerfile"],
    ["Dockerfile", "**/Dockerfile"],
    ["v1.txt", "v?.txt"],
  ];
  const no: [string, string][] = [
    ["src2/a.js", "src"],
    ["docs/package.json", "*.json"],
    ["packageXjson", "package.json"],
    ["a/src/b.js", "src/**"],
    ["v/1.txt", "v?1.txt"],
  ];
  for (const [path, glob] of yes) t.true(createMatcher([glob])(path), `${path} ${glob}`);
  for (const [path, glob] of no) t.false(createMatcher([glob])(path), `${path} ${glob}`);
});
