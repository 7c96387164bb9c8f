/** The machines that modules are compiled for here: this one, and others of which there is a cross compiler. */

/** One kind of machine. */
export interface System {
  /** As prebuilt modules are named: operating system, processor, C library. */
  readonly name: string
  /** Debian's name of the processor. */
  readonly debian: string
  /** The processor in the names of compilers and of Python's packages. */
  readonly processor: string
  /** The C compiler that makes programs for it. */
  readonly compiler: string
}

const system = (arch: string, debian: string, processor: string): System => ({
  name: `linux-${arch}-glibc`,
  debian,
  processor,
  compiler: process.arch === arch ? 'cc' : `${processor}-linux-gnu-gcc`,
})

const ALL: Readonly<Record<string, System>> = {
  x64: system('x64', 'amd64', 'x86_64'),
  arm64: system('arm64', 'arm64', 'aarch64'),
}

/** Every system that modules are made for. */
export const SYSTEMS: readonly System[] = Object.values(ALL)

/** This machine. */
export const OWN_SYSTEM: System = ALL[process.arch] ?? system(process.arch, process.arch, process.arch)
