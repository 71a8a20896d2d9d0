import test from "ava";
import { foldersBy } from "../../../../workers/engine/build-groups.ts";

test("steps lie beside the engine's group where the hierarchy is unified", (t) => {
  const dir = "/sys/fs/cgroup/system.slice";
  t.deepEqual(foldersBy("0::/system.slice/docker.service\n", true), { memory: dir, cpu: dir });
  const top = "/sys/fs/cgroup/";
  t.deepEqual(foldersBy("0::/\n", true), { memory: top, cpu: top });
});

test("with a hierarchy for each controller, steps lie below the engine's group in each", (t) => {
  const text =
    "5:cpu,cpuacct:/system.slice/docker.service\n4:memory:/process/1\n1:name=systemd:/x\n0::/\n";
  t.deepEqual(foldersBy(text, false), {
    memory: "/sys/fs/cgroup/memory/process/1",
    cpu: "/sys/fs/cgroup/cpu/system.slice/docker.service",
  });
  t.deepEqual(foldersBy("1:cpu:/\n", false), {
    memory: "/sys/fs/cgroup/memory/",
    cpu: "/sys/fs/cgroup/cpu/",
  });
});
