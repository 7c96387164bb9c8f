/**
 * The environment variables of OpenTelemetry's exporters, as options of the otlp destination: those for logs go before
 * those for everything.
 */

type Environment = Readonly<Record<string, string | undefined>>

const PREFIX = 'OTEL_EXPORTER_OTLP_'
const DEFAULT_ENDPOINT = 'http://localhost'
const PROTOCOLS: readonly string[] = ['http/protobuf', 'http/json', 'grpc']
const COMPRESSIONS: readonly string[] = ['none', 'gzip']

/**
 * What the variables say, as texts by option.
 *
 * @throws a sentence for a variable that cannot be meant
 */
export function otelOptions(env: Environment): Record<string, unknown> {
  const said = {
    url: endpointOf(env),
    protocol: choiceOf(env, 'PROTOCOL', PROTOCOLS),
    compression: choiceOf(env, 'COMPRESSION', COMPRESSIONS),
    timeout: timeoutOf(env),
    header: headersOf(env),
    tlsCa: find(env, 'CERTIFICATE')?.value,
    tlsCert: find(env, 'CLIENT_CERTIFICATE')?.value,
    tlsKey: find(env, 'CLIENT_KEY')?.value,
    serviceName: env['OTEL_SERVICE_NAME'] || undefined,
  }
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))
}

/** A variable that is set; an empty one counts as not set, as OpenTelemetry has it. */
function find(env: Environment, name: string): { name: string; value: string } | undefined {
  for (const variable of [`${PREFIX}LOGS_${name}`, PREFIX + name]) {
    const value = env[variable]
    if (value !== undefined && value !== '') return { name: variable, value }
  }
  return undefined
}

/** The endpoint for logs as it is; the path for logs is added to the endpoint for everything. */
function endpointOf(env: Environment): string {
  const found = find(env, 'ENDPOINT')
  if (found === undefined) return DEFAULT_ENDPOINT
  const { name, value } = found
  if (!/^https?:\/\//i.test(value) || !URL.canParse(value))
    throw new Error(`${name}: expected a URL that begins with http:// or https://`)
  const general = name === `${PREFIX}ENDPOINT`
  const path = new URL(value).pathname
  return general && path !== '/' ? `${value.replace(/\/$/, '')}/v1/logs` : value
}

function choiceOf(env: Environment, name: string, choices: readonly string[]): string | undefined {
  const found = find(env, name)
  if (found !== undefined && !choices.includes(found.value))
    throw new Error(
      `${found.name}: expected one of ${choices.join(', ')}, got ${JSON.stringify(found.value)}`,
    )
  return found?.value
}

function timeoutOf(env: Environment): string | undefined {
  const found = find(env, 'TIMEOUT')
  if (found === undefined) return undefined
  if (/^[1-9]\d{0,8}$/.test(found.value)) return `${found.value}ms`
  throw new Error(`${found.name}: expected milliseconds such as 10000, got ${JSON.stringify(found.value)}`)
}

/** `name=value,name=value`, percent-encoded. What is wrong in it is not repeated: it may be a secret. */
function headersOf(env: Environment): string[] | undefined {
  const found = find(env, 'HEADERS')
  return found?.value.split(',').map((pair) => {
    const at = pair.indexOf('=')
    if (at < 1) throw new Error(`${found.name}: expected name=value, several of them with commas between`)
    return `${decoded(pair.slice(0, at))}: ${decoded(pair.slice(at + 1))}`
  })
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.trim())
  } catch {
    return text.trim()
  }
}
