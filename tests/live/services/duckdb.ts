import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../support/free-port.ts'
import { must, whole } from '../program.ts'
import { answersHttp, ServerProcess } from '../server-process.ts'
import { type Service, Unavailable } from '../service.ts'

/** DuckDB, which reads files where they lie. It has no server of its own: a few lines of Python answer a query with its rows as JSON. */

const VERSION = '2.0.0'

const folderOf = (cache: string): string => join(cache, `duckdb-${VERSION}`)
const packagesOf = (cache: string): string => join(folderOf(cache), 'packages')

const SERVER = `
import duckdb, json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def reply(self, status, value):
        body = json.dumps(value, default=str).encode()
        self.send_response(status)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.reply(200, duckdb.__version__)
    def do_POST(self):
        query = self.rfile.read(int(self.headers['Content-Length'])).decode()
        try:
            self.reply(200, duckdb.sql(query).fetchall())
        except Exception as error:
            self.reply(400, str(error))

HTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
`

/** `addresses.queries` takes a query by POST. */
const service: Service = {
  name: 'duckdb',
  ready: (cache) => existsSync(packagesOf(cache)) && Bun.which('python3') !== null,
  install: async (cache) => {
    if (Bun.which('python3') === null) throw new Unavailable('Python 3 is not installed')
    if (existsSync(packagesOf(cache))) return
    const words = ['python3', '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    await whole(folderOf(cache), (folder) =>
      must([...words, '--target', join(folder, 'packages'), `duckdb==${VERSION}`], { cwd: folder }),
    )
  },
  start: (cache, folder) => {
    const port = freePort()
    const queries = `http://127.0.0.1:${port}/`
    return ServerProcess.start({
      words: ['python3', '-c', SERVER, String(port)],
      folder,
      env: { PYTHONPATH: packagesOf(cache), PYTHONDONTWRITEBYTECODE: '1' },
      addresses: { queries },
      answers: () => answersHttp(queries),
    })
  },
}

export default service
