/** Files that are embedded as text: `import text from './file.c' with { type: 'text' }`. */
declare module '*.c' {
  const text: string
  export default text
}
declare module '*.mjs' {
  const text: string
  export default text
}
declare module '*.h' {
  const text: string
  export default text
}
declare module '*.sql' {
  const text: string
  export default text
}
declare module '*.control' {
  const text: string
  export default text
}
declare module '*/Makefile' {
  const text: string
  export default text
}
