import { expect, test } from 'bun:test'
import { formatFor } from '../../src/observe/accept.ts'

test.each([
  [null, 'prometheus'],
  ['', 'prometheus'],
  ['*/*', 'prometheus'],
  ['text/html, */*;q=0.1', 'prometheus'],
  ['text/plain;version=0.0.4', 'prometheus'],
  ['application/openmetrics-text', 'openmetrics'],
  ['APPLICATION/openmetrics-text; Version=1.0.0', 'openmetrics'],
  ['application/openmetrics-text;version=0.0.1', 'prometheus'],
  ['application/openmetrics-text;version=1.0.0;q=0', 'prometheus'],
  ['application/openmetrics-text;q=many', 'prometheus'],
  ['application/openmetrics-text;version=1.0.0;q=0.2,text/plain;q=0.3', 'prometheus'],
  // As Prometheus 2 and 3 ask.
  [
    'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
    'openmetrics',
  ],
  [
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,*/*;q=0.2',
    'openmetrics',
  ],
] as const)('%p is answered in %s', (accept, format) => {
  expect(formatFor(accept)).toBe(format)
})
