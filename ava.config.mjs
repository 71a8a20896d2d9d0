export default {
  extensions: ["ts"],
  files: ["tests/**/*.test.ts"],
  timeout: "3m",
  concurrency: 2,
  workerThreads: false,
};
