/** Takes every gRPC call, and answers OK without looking at it; says its port. A process of its own: what it costs is not counted. */

import { createServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'

const server = createServer()
server.on('stream', (stream: ServerHttp2Stream) => {
  stream.resume()
  stream.on('end', () => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(new Uint8Array(5))
  })
})
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))
