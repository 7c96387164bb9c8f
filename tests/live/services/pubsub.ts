import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../support/free-port.ts'
import { go, whole } from '../program.ts'
import { connects, ServerProcess } from '../server-process.ts'
import type { Service } from '../service.ts'

/**
 * Pub/Sub as Google's own Go client tests itself against: its fake server, `pstest`. It keeps what it is given in memory.
 *
 * The newest release of which the module proxy has every part.
 */

const VERSION = 'v1.49.0'

/** A topic, and a subscription that keeps it, from the start and again after every restart. */
export const TOPIC = { project: 'my-project', topic: 'postgres', subscription: 'reader' } as const

const MAIN = `package main

import (
	"context"
	"log"
	"os"

	"cloud.google.com/go/pubsub/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/pstest"
	_ "google.golang.org/grpc/encoding/gzip"
)

func main() {
	server := pstest.NewServerWithAddress(os.Args[1])
	topic := &pubsubpb.Topic{Name: os.Args[2]}
	if _, err := server.GServer.CreateTopic(context.Background(), topic); err != nil {
		log.Fatal(err)
	}
	reader := &pubsubpb.Subscription{Name: os.Args[3], Topic: os.Args[2], AckDeadlineSeconds: 600, EnableMessageOrdering: true}
	if _, err := server.GServer.CreateSubscription(context.Background(), reader); err != nil {
		log.Fatal(err)
	}
	select {}
}
`

const programOf = (cache: string): string => join(cache, `pubsub-${VERSION}`, 'pubsub')

/** `addresses.grpc` is what PUBSUB_EMULATOR_HOST would say. */
const service: Service = {
  name: 'pubsub',
  ready: (cache) => existsSync(programOf(cache)),
  install: async (cache) => {
    if (existsSync(programOf(cache))) return
    await whole(join(programOf(cache), '..'), async (folder) => {
      writeFileSync(join(folder, 'main.go'), MAIN)
      await go(['mod', 'init', 'pubsub'], folder)
      await go(['get', `cloud.google.com/go/pubsub@${VERSION}`], folder)
      await go(['mod', 'tidy'], folder)
      await go(['build', '-o', 'pubsub', '.'], folder)
    })
  },
  start: (cache, folder) => {
    const port = freePort()
    const { project, topic, subscription } = TOPIC
    const names = [`projects/${project}/topics/${topic}`, `projects/${project}/subscriptions/${subscription}`]
    return ServerProcess.start({
      words: [programOf(cache), `127.0.0.1:${port}`, ...names],
      folder,
      addresses: { grpc: `127.0.0.1:${port}` },
      answers: () => connects(port),
    })
  },
}

export default service
