/** Packages of suites that are not this machine's, by a private state of apt: the machine's own is only read. */

import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { command } from './command.ts'

export class Apt {
  readonly #folder: string
  readonly #options: string[]

  private constructor(folder: string, processor: string | undefined) {
    this.#folder = folder
    const set = {
      'Dir::State': folder,
      'Dir::State::lists': join(folder, 'lists'),
      'Dir::State::status': join(folder, 'status'),
      'Dir::Cache': folder,
      'Dir::Etc::SourceList': join(folder, 'sources.list'),
      'Dir::Etc::SourceParts': '/dev/null',
      'Dir::Etc::Preferences': '/dev/null',
      'Dir::Etc::PreferencesParts': '/dev/null',
      // Its sandbox account need not be able to enter this folder.
      'APT::Sandbox::User': process.getuid?.() === 0 ? 'root' : '',
      ...(processor !== undefined && { 'APT::Architecture': processor, 'APT::Architectures': processor }),
      'Acquire::Languages': 'none',
      'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
      'Acquire::http::Timeout': '20',
      'Acquire::Retries': '1',
    }
    this.#options = Object.entries(set).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  }

  /**
   * Fetches the lists of some suites.
   *
   * @param sources lines of a sources.list
   * @param processor Debian's name of the one that packages are wanted for; without it, this machine's
   * @throws when they cannot be had
   */
  static async open(folder: string, sources: string[], processor?: string): Promise<Apt> {
    rmSync(folder, { recursive: true, force: true })
    for (const name of ['lists/partial', 'archives/partial', 'debs'])
      mkdirSync(join(folder, name), { recursive: true })
    writeFileSync(join(folder, 'status'), '')
    writeFileSync(join(folder, 'sources.list'), `${sources.join('\n')}\n`)
    const apt = new Apt(folder, processor)
    await apt.#run('apt-get', ['update', '-q', '--error-on=any'])
    return apt
  }

  /** Deletes the lists: they are a hundred times what is fetched with them. */
  close(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /**
   * Downloads a package and unpacks it into a folder. Where the newest version is listed but not there any more, as
   * happens while a mirror catches up, the next one is taken.
   */
  async unpack(name: string, folder: string): Promise<void> {
    const listed = await this.#run('apt-cache', ['madison', name])
    const versions = listed.split('\n').flatMap((line) => line.split('|')[1]?.trim() ?? [])
    if (versions.length === 0) throw new Error(`no package ${name}`)
    const debs = join(this.#folder, 'debs')
    let failure: unknown
    for (const version of new Set(versions)) {
      try {
        await this.#run('apt-get', ['download', '-q', `${name}=${version}`], debs)
        failure = undefined
        break
      } catch (error) {
        failure = error
      }
    }
    if (failure !== undefined) throw failure
    const file = [...new Bun.Glob(`${name}_*.deb`).scanSync(debs)][0]
    if (file === undefined) throw new Error(`${name} was not downloaded`)
    mkdirSync(folder, { recursive: true })
    await command(['dpkg', '-x', join(debs, file), folder])
    rmSync(join(debs, file))
  }

  /** Downloads a source package into a folder. */
  async source(name: string, folder: string): Promise<void> {
    await this.#run('apt-get', ['source', '-q', '--download-only', name], folder)
  }

  /** The shared libraries that a package needs, and those that these need. */
  async libraries(name: string): Promise<string[]> {
    const strong = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map(
      (kind) => `--no-${kind}`,
    )
    const isLibrary = (line: string) => /^(?:lib|zlib1g)/.test(line) && !/perl/.test(line)
    const direct = (await this.#run('apt-cache', ['depends', ...strong, name]))
      .split('\n')
      .flatMap((line) => /Depends: (\S+)$/.exec(line)?.[1] ?? [])
      .filter(isLibrary)
    const all = await this.#run('apt-cache', ['depends', '--recurse', ...strong, ...direct])
    return [...new Set(all.split('\n').filter(isLibrary))]
  }

  #run(program: string, words: string[], cwd?: string): Promise<string> {
    return command([program, ...this.#options, ...words], { seconds: 180, ...(cwd !== undefined && { cwd }) })
  }
}

/** Where this machine's own packages come from: its mirror has the other suites too. */
export async function ownMirror(): Promise<string> {
  const format = '$(REPO_URI) $(ORIGIN)'
  const said = await command(['apt-get', 'indextargets', '--format', format, 'Created-By: Packages'])
  const uri = said
    .split('\n')
    .find((line) => line.endsWith(' Debian'))
    ?.split(' ')[0]
  if (uri === undefined || existsSync(uri)) throw new Error('this machine has no Debian mirror')
  return uri
}
