import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { configFolder } from '../config/folder.ts'
import { run } from './run.ts'

const folder = configFolder()

/** A command line, its environment and its file, with a secret somewhere. */
interface Setting {
  readonly toml?: string
  readonly argv?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

const inTable = (lines: string, table = 'a'): Setting => ({ toml: `[exporters.${table}]\n${lines}\n` })
const HTTP = 'url = "http://127.0.0.1:1/in"'

/** Where a secret may stand: where it belongs, and where somebody may put it by mistake. */
const POSITIONS: Readonly<Record<string, (secret: string, quoted: string) => Setting>> = {
  token: (_, quoted) => inTable(`${HTTP}\ntoken = ${quoted}`),
  password: (_, quoted) => inTable(`${HTTP}\nuser = "u"\npassword = ${quoted}`),
  'password of a proxy': (secret) =>
    inTable(`${HTTP}\nproxy = ${JSON.stringify(`http://u:${encodeURIComponent(secret)}@127.0.0.1:1`)}`),
  'proxy that is none': (_, quoted) => inTable(`${HTTP}\nproxy = ${quoted}`),
  header: (secret) => inTable(`${HTTP}\nheader = [${JSON.stringify(`X-Key: ${secret}`)}]`),
  // With a colon it would have a name.
  'header without a name': (_, quoted) => inTable(`${HTTP}\nheader = [${quoted.replaceAll(':', ';')}]`),
  'header that is no list': (_, quoted) => inTable(`${HTTP}\nheader = ${quoted}`),
  'password in a URL': (secret) => inTable(`url = "http://u:${encodeURIComponent(secret)}@127.0.0.1:1/"`),
  'password in a URL, not encoded': (secret) =>
    inTable(`url = ${JSON.stringify(`http://u:${secret}@127.0.0.1:1/`)}`),
  'key in a URL': (secret) => inTable(`url = "http://127.0.0.1:1/?key=${encodeURIComponent(secret)}"`),
  'URL of no known type': (secret) => inTable(`url = ${JSON.stringify(`nope://u:${secret}@h`)}`),
  'URL as a type': (secret) => inTable(`type = ${JSON.stringify(`http://u:${secret}@h`)}`),
  'URL that is a secret': (_, quoted) => inTable(`url = ${quoted}`),
  'list of URLs': (_, quoted) => inTable(`url = [${quoted}]`),
  'unknown key': (_, quoted) => inTable(`${HTTP}\ntokne = ${quoted}`),
  'unknown table': (_, quoted) => ({ toml: `[http]\ntoken = ${quoted}\n` }),
  'another type’s key': (_, quoted) => inTable(`type = "stdout"\ntoken = ${quoted}`),
  'list in place of a text': (_, quoted) => inTable(`${HTTP}\ntoken = [${quoted}]`),
  'table in place of a text': (_, quoted) => inTable(`${HTTP}\ntoken = { value = ${quoted} }`),
  'no quotes': (secret) => inTable(`${HTTP}\ntoken = ${secret}`),
  'no end of a quote': (secret) => inTable(`${HTTP}\ntoken = "${secret}`),
  'two values': (_, quoted) => inTable(`${HTTP}\ntoken = ${quoted} ${quoted}`),
  'given twice': (_, quoted) => inTable(`${HTTP}\ntoken = ${quoted}\ntoken = ${quoted}`),
  'line end inside': (secret) => inTable(`${HTTP}\ntoken = ${JSON.stringify(`${secret}\n${secret}`)}`),
  'beside another problem': (_, quoted) =>
    inTable(`${HTTP}\ntoken = ${quoted}\nbatch_records = "x"\nformat = 1`),
  'name of an exporter that is refused': (_, quoted) => inTable(`${HTTP}\ntoken = ${quoted}`, 'UPPER'),
  'to of the file': (secret) => ({ toml: `to = [${JSON.stringify(`http://u:${secret}@127.0.0.1:1/`)}]\n` }),
  'to of no known type': (secret) => ({
    toml: `to = [${JSON.stringify(`nope://u:${secret}@h/?k=${secret}`)}]\n`,
  }),
  flag: (secret) => ({ argv: ['--to', 'http://127.0.0.1:1/', '--http-token', secret] }),
  'flag that nothing uses': (secret) => ({ argv: ['--to', 'stdout', '--http-token', secret] }),
  'flag mistyped': (secret) => ({ argv: ['--http-tokne', secret, `--http-tokn=${secret}`] }),
  'flag of a URL': (secret) => ({
    argv: ['--to', `http://u:${secret}@127.0.0.1:1/`, '--to', `nope://u:${secret}@h`],
  }),
  environment: (secret) => ({ argv: ['--to', 'http://127.0.0.1:1/'], env: { PGTURRET_HTTP_TOKEN: secret } }),
  'environment of one exporter': (secret) => ({
    ...inTable(HTTP),
    env: { PGTURRET_EXPORTERS_A_TOKEN: secret },
  }),
  'environment of a URL': (secret) => ({
    env: { PGTURRET_TO: `http://u:${secret}@127.0.0.1:1/?k=${secret}` },
  }),
  'same destination twice': (secret) => ({
    argv: ['--to', `http://u:${secret}@127.0.0.1:1/`, '--to', `http://127.0.0.1:1/?${secret}`],
  }),
}

/** Without what would end a host or a query: a password with that in it has to be encoded, or it is another URL. */
const secrets = fc
  .array(
    fc.constantFrom(...'abcdefghkmnpqrtuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!$%&()*+,-.:;<=>@[]^_{|}~ "'),
    {
      minLength: 10,
      maxLength: 24,
    },
  )
  .map((letters) => `Zq7${letters.join('')}`)

const COMMANDS = [['config', 'check'], ['config', 'show'], ['check']]

test.each(Object.entries(POSITIONS))('%s: a secret there is shown nowhere', async (_, place) => {
  await fc.assert(
    fc.asyncProperty(secrets, async (secret) => {
      const { toml = '', argv = [], env = {} } = place(secret, JSON.stringify(secret))
      const path = folder.write('secret.toml', toml)
      for (const words of COMMANDS) {
        const { stdout, stderr } = await run([...words, '--config', path, ...argv], env)
        const all = stdout + stderr
        for (const form of [
          secret,
          secret.trim(),
          encodeURIComponent(secret),
          JSON.stringify(secret).slice(1, -1),
        ]) {
          expect(all).not.toContain(form)
        }
        expect(all).not.toContain('Zq7')
      }
    }),
    { numRuns: 10 },
  )
})
