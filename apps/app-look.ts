/** What a worker sees of an app when it is asked to look: its containers, their use of things, its checks. */
export interface AppLook {
  instances: InstanceLook[];
  disks: DiskLook[];
}

export interface InstanceLook {
  id: string;
  /** Null: there is no container of that name. */
  container: ContainerLook | null;
  /** Each tried once, just now; none when it does not run. */
  checks: CheckLook[];
}

export interface ContainerLook {
  /** `sha256:…` */
  image: string;
  running: boolean;
  exitCode: number;
  /** The kernel ended it, or a process of it, for lack of memory. */
  outOfMemory: boolean;
  /** ms since the epoch */
  startedAt: number;
  /** By the engine, since it was made. */
  restarts: number;
  addresses: string[];
  /** 0: none of its own. Memory in bytes. */
  limits: { memory: number; cpus: number; pids: number };
  mounts: { source: string; target: string; writable: boolean }[];
  /** Names of its environment, without their values. */
  env: string[];
  /** Null when it does not run. */
  usage: UsageLook | null;
}

/** Processor figures are of the second in which it was looked at. */
export interface UsageLook {
  /** Processors kept busy; 0.5 is half of one. */
  cpus: number;
  /** Times in which it could use its share, and those in which it had to wait because that was used up. */
  periods: number;
  throttled: number;
  /** Bytes, without what the kernel only keeps of files. */
  memory: number;
  pids: number;
}

export interface CheckLook {
  type: "startup" | "liveness" | "readiness";
  /** `GET /up on port 5000` */
  what: string;
  healthy: boolean;
  says: string;
}

/** What an app keeps outside its containers, and the disk that it lies on. Bytes. */
export interface DiskLook {
  source: string;
  target: string;
  used: number;
  /** False when it was not counted to its end: it is more. */
  whole: boolean;
  size: number;
  free: number;
}
