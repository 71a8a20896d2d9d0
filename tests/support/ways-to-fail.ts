/**
 * Commands about an app that is live and holds nothing, by the code that each ends with.
 * @param ended a deploy of it that has ended
 */
export const waysToFail = (ended: string): Record<1 | 2 | 4 | 5, string[]> => ({
  1: ["config:set FAIL_RELEASE=1", "deploy --image 127.0.0.1:1/nobody/nothing:1", "run false"],
  2: [
    ...["ps:scale web=0", "config:set PORT=1", "limits:set web.memory=1K", "logs --since soon"],
    ...["rollback vX", "storage:add data", "domains:add no/host", "guard:set errors=many"],
  ],
  4: [
    ...["releases:info v99", "releases:diff v1 v99", "rollback v99", "logs --deploy shop-99"],
    ...["config:get NOBODY", "enter web.9", "ps:inspect web.9", "domains:remove no.test"],
    ...["storage:remove nothing", "hooks:remove 0000", "deploys:cancel shop-99"],
  ],
  5: ["promote", "abort", "deploys:cancel", `deploys:cancel ${ended}`],
});

/** What who may only look at an app may not do. */
export const NOT_FOR_READERS = [
  ...["config:set A=1", "config:export", "ps:restart", "ps:scale web=2", "run true", "rollback"],
  ...["domains:add a.test", "enter web.1 true", "apps:destroy --confirm shop"],
];
