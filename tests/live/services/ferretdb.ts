import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeCertificates } from '../../support/certificates.ts'
import { freePort } from '../../support/free-port.ts'
import { go, whole } from '../program.ts'
import { connects, ServerProcess } from '../server-process.ts'
import type { Service } from '../service.ts'

/**
 * FerretDB, which speaks MongoDB's protocol and keeps its data in SQLite here: a server that is not the driver's own idea of
 * one, and that can be killed. It has no replica sets, no TTL indexes and no time series.
 *
 * The last release that runs without PostgreSQL, by the package that is made for being part of a program.
 */

const VERSION = 'v1.24.0'

const MODULE = `module ferretdb

go 1.22

require github.com/FerretDB/FerretDB ${VERSION}
`

const MAIN = `package main

import (
	"context"
	"log"
	"os"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	server, err := ferretdb.New(&ferretdb.Config{
		Listener: ferretdb.ListenerConfig{
			TCP: os.Args[1], TLS: os.Args[2], TLSCertFile: os.Args[3], TLSKeyFile: os.Args[4], TLSCAFile: os.Args[5],
		},
		Handler:   "sqlite",
		SQLiteURL: "file:data/",
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := server.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
}
`

const programOf = (cache: string): string => join(cache, `ferretdb-${VERSION}`, 'ferretdb')

/** `addresses.mongodb` is plain; `addresses.tls` wants a certificate of the client, by the files `ca`, `clientCert`, `clientKey`. */
const service: Service = {
  name: 'ferretdb',
  version: VERSION,
  ready: (cache) => existsSync(programOf(cache)),
  install: async (cache) => {
    if (existsSync(programOf(cache))) return
    await whole(join(programOf(cache), '..'), async (folder) => {
      writeFileSync(join(folder, 'go.mod'), MODULE)
      writeFileSync(join(folder, 'main.go'), MAIN)
      await go(['build', '-mod=mod', '-o', 'ferretdb', '.'], folder)
    })
  },
  start: async (cache, folder) => {
    mkdirSync(join(folder, 'data'))
    const [port, tls] = [freePort(), freePort()]
    const { paths, remove } = makeCertificates()
    const { ca, clientCert, clientKey } = paths
    const server = await ServerProcess.start({
      words: [
        programOf(cache),
        `127.0.0.1:${port}`,
        `127.0.0.1:${tls}`,
        paths.serverCert,
        paths.serverKey,
        ca,
      ],
      folder,
      addresses: { mongodb: `127.0.0.1:${port}`, tls: `localhost:${tls}`, ca, clientCert, clientKey },
      answers: () => connects(port),
    })
    return {
      addresses: server.addresses,
      get pid() {
        return server.pid
      },
      kill: () => server.kill(),
      restart: () => server.restart(),
      stop: async () => {
        await server.stop()
        remove()
      },
    }
  },
}

export default service
