import { findJavaMain, type JavaMain } from "./java-main.ts";
import { hasSourcesAlone } from "./manifests.ts";
import type { Detector, RunStep, Runtime, RuntimeName, SourcePlan } from "./plan.ts";
import { processesOf } from "./procfile.ts";
import { versionRange } from "./ranges.ts";
import { sameVersion } from "./runtimes.ts";
import { copy, run, stage, takeTree } from "./stages.ts";
import type { Tree } from "./tree.ts";
import { runtimeOf, wishFromFiles, type Wish } from "./versions.ts";

const MAVEN = { name: "maven", target: "/root/.m2" };
const GRADLE = { name: "gradle", target: "/root/.gradle" };
/** The biggest jar is the one with the dependencies in it. */
const pickJar = (folder: string): string =>
  `cp "$(ls -S ${folder}/*.jar | grep -v -e '-sources' -e '-javadoc' -e '-plain' | head -n 1)" app.jar`;

/** How one app is built, and what is started then. */
interface JavaBuild {
  why: string;
  on: RuntimeName;
  steps: RunStep[];
  web: string | null;
  /** The version that the build file asks for. */
  wish: Wish | null;
}

/** Apps in Java: Maven, Gradle, or sources alone. */
export const java: Detector = {
  name: "java",
  looksFor: "a pom.xml or a build.gradle",
  plan: async (tree) => {
    const build = (await maven(tree)) ?? (await gradle(tree)) ?? (await sources(tree));
    return build && planJava(tree, build);
  },
};

async function planJava(tree: Tree, build: JavaBuild): Promise<SourcePlan> {
  const runtime = await javaRuntime(tree, build.wish);
  const processes = await processesOf(tree, build.web, {
    tried: "no class with a main method",
    example: "java -jar app.jar",
  });
  return {
    buildpack: "java",
    why: build.why,
    warnings: [],
    runtime,
    stages: [
      stage("build", sameVersion(runtime, build.on), [copy(["."]), ...build.steps]),
      stage("app", sameVersion(runtime, "java-run"), [takeTree("build")]),
    ],
    files: {},
    leavesOut: ["target", "build", ".gradle", "out"],
    processes,
  };
}

async function maven(tree: Tree): Promise<JavaBuild | null> {
  const pom = await tree.read("pom.xml");
  if (pom === null) return null;
  const wrapper = await tree.has("mvnw");
  const command = wrapper ? "sh ./mvnw" : "mvn";
  const quarkus = pom.includes("io.quarkus");
  const jar = quarkus ? [] : [run(pickJar("target"))];
  const asked =
    /<(?:maven\.compiler\.release|java\.version|maven\.compiler\.(?:source|target)|release)>\s*([\d.]+)/.exec(
      pom,
    )?.[1];
  return {
    why: wrapper ? "pom.xml with Maven's wrapper" : "pom.xml",
    on: wrapper ? "java" : "maven",
    steps: [run(`${command} --batch-mode -DskipTests package`, [MAVEN]), ...jar],
    web: quarkus
      ? "java -Dquarkus.http.port=$PORT $JAVA_OPTS -jar target/quarkus-app/quarkus-run.jar"
      : startJar(pom.includes("spring-boot")),
    wish: atLeast(asked, "pom.xml"),
  };
}

async function gradle(tree: Tree): Promise<JavaBuild | null> {
  const text = (await tree.read("build.gradle")) ?? (await tree.read("build.gradle.kts"));
  if (text === null) return null;
  const wrapper = await tree.has("gradlew");
  const command = `${wrapper ? "sh ./gradlew" : "gradle"} --no-daemon`;
  const spring = text.includes("org.springframework.boot");
  const application =
    !spring &&
    /\bid[ \t]*(?:\([ \t]*)?["']application["']|apply plugin: ['"]application['"]|^[ \t]*application[ \t]*$/m.test(
      text,
    );
  const settings =
    (await tree.read("settings.gradle")) ?? (await tree.read("settings.gradle.kts")) ?? "";
  const name = /rootProject\.name\s*=\s*["']([\w.-]+)["']/.exec(settings)?.[1] ?? "app";
  const asked =
    /(?:JavaLanguageVersion\.of\(|JavaVersion\.VERSION_|sourceCompatibility\s*=\s*["']?)(\d+)/.exec(
      text,
    )?.[1];
  const task = spring ? "bootJar" : application ? "installDist" : "assemble";
  return {
    why: wrapper ? "build.gradle with Gradle's wrapper" : "build.gradle",
    on: wrapper ? "java" : "gradle",
    steps: [
      run(`${command} ${task}`, [GRADLE]),
      ...(application ? [] : [run(pickJar("build/libs"))]),
    ],
    web: application ? `build/install/${name}/bin/${name}` : startJar(spring),
    wish: atLeast(asked, "build.gradle"),
  };
}

/** Sources without a build file: compiled as they are. */
async function sources(tree: Tree): Promise<JavaBuild | null> {
  const main = (await hasSourcesAlone(tree)) ? await findJavaMain(tree) : null;
  if (main === null) return null;
  const compile = `mkdir -p out && find ${main.root} -name '*.java' -print0 | xargs -0 javac -encoding UTF-8 -d out`;
  return {
    why: "Java files without a build file",
    on: "java",
    steps: [run(compile)],
    web: `java $JAVA_OPTS -cp ${classPath(main)} ${main.name}`,
    wish: null,
  };
}

function classPath({ resources }: JavaMain): string {
  return resources ? "out:src/main/resources" : "out";
}

function startJar(spring: boolean): string {
  return spring
    ? "java -Dserver.port=$PORT $JAVA_OPTS -jar app.jar"
    : "java $JAVA_OPTS -jar app.jar";
}

/** A build file names the oldest version that will do. */
function atLeast(version: string | undefined, from: string): Wish | null {
  if (version === undefined) return null;
  const number = Number(version.replace(/^1\./, "").split(".")[0]);
  return { text: version, range: `>=${number}`, from };
}

async function javaRuntime(tree: Tree, declared: Wish | null): Promise<Runtime> {
  const properties = (await tree.read("system.properties")) ?? "";
  const named = /^[ \t]*java\.runtime\.version[ \t]*[=:][ \t]*(\S+)/m.exec(properties)?.[1];
  const sdkman = /^[ \t]*java[ \t]*=[ \t]*(\S+)/m.exec((await tree.read(".sdkmanrc")) ?? "")?.[1];
  const files = await wishFromFiles(tree, { files: [".java-version"], tools: ["java"] });
  return runtimeOf(
    "java",
    wish(named, "system.properties"),
    files && { ...files, range: oldName(files.text) },
    wish(sdkman, ".sdkmanrc"),
    declared,
  );
}

function wish(text: string | undefined, from: string): Wish | null {
  return text === undefined ? null : { text, range: oldName(text), from };
}

/** Java 8 also goes by the name of 1.8. */
function oldName(text: string): string | null {
  return versionRange(text.replace(/^1\.(\d)/, "$1"));
}
