import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** `file:///var/log/x.ndjson` is absolute; `file:x.ndjson` and `file://./x.ndjson` are relative to where it runs. */
export function fileUrlPath(url: URL, text: string): string {
  if (url.search !== '' || url.hash !== '') throw new Error('a file URL takes no query; use --file-… flags')
  // A URL knows no relative path: what stands in front of it is only in the text.
  const relative = url.hostname === '.' || (url.hostname === '' && !/^file:\//i.test(text))
  if (url.hostname !== '' && !relative && url.hostname !== 'localhost') {
    throw new Error(
      `"${url.hostname}" would be a host: an absolute path has three slashes, file:///${url.hostname}${url.pathname}`,
    )
  }
  const path = relative
    ? decodeURIComponent(text.replace(/^file:(?:\/\/\.\/)?/i, ''))
    : fileURLToPath(new URL(`file://${url.pathname}`))
  if (path === '' || path.endsWith('/'))
    throw new Error('expected the path of a file, such as file:///var/log/pgturret.ndjson')
  return resolve(path)
}
