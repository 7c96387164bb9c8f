/** For `bun --preload`: a program that loads a client of a destination ends, and says which. */

const CLIENTS = /\/node_modules\/(mongodb|bson|pg|@aws-sdk|@smithy|@azure|@platformatic)\//

Bun.plugin({
  name: 'client trap',
  setup: (build) => {
    build.onLoad({ filter: CLIENTS }, ({ path }) => {
      throw new Error(`client loaded: ${CLIENTS.exec(path)![1]}`)
    })
  },
})
