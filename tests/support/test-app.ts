import anyTest, { type TestFn } from "ava";
import { type Platform, type PlatformOptions, startPlatform } from "./platform.ts";
import { createRepo, type Repo } from "./repo.ts";

/** What the tests of a file share. */
export interface AppWorld {
  platform: Platform;
  /** A developer's clone of a fixture app. */
  repo: Repo;
}

interface Options extends PlatformOptions {
  app: string;
  /** A folder of tests/fixtures/apps. */
  fixture: string;
  /** Written before the first push; null: nothing is pushed before the tests. */
  files?: Record<string, string> | null;
  /** Done before the first push. */
  before?(world: AppWorld): Promise<unknown>;
}

/**
 * ava's `test` for a file whose tests share one platform and one app, which is live before the
 * first of them. Both are gone after the last. Hooks of the file's own are `test.serial.before` and
 * `test.serial.after.always`: they run after these.
 */
export function testApp<Context extends AppWorld = AppWorld>({
  app,
  fixture,
  files = {},
  before,
  ...options
}: Options): TestFn<Context> {
  const test = anyTest as TestFn<Context>;
  test.serial.before(`a platform, and ${app} on it`, async (t) => {
    t.timeout(120_000);
    const platform = await startPlatform(options);
    t.context.platform = platform;
    const repo = createRepo(fixture, platform, app);
    t.context.repo = repo;
    await repo.init();
    await before?.({ platform, repo });
    if (files) await repo.goLive(files);
  });
  test.serial.after.always("both are removed", async (t) => {
    t.context.repo?.remove();
    await t.context.platform?.stop();
  });
  return test;
}
