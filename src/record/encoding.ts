/**
 * Text of databases in PostgreSQL's encodings, made into strings. A byte that is not valid in its encoding becomes
 * U+FFFD, so that one bad byte never costs a record.
 */

/**
 * PostgreSQL's encoding names, and the label by which the Encoding Standard knows them. A Map, not an object: the name
 * that is looked up comes from a peer, and may be `constructor`.
 */
const LABELS: ReadonlyMap<string, string> = new Map([
  ['LATIN2', 'iso-8859-2'],
  ['LATIN3', 'iso-8859-3'],
  ['LATIN4', 'iso-8859-4'],
  ['LATIN6', 'iso-8859-10'],
  ['LATIN7', 'iso-8859-13'],
  ['LATIN8', 'iso-8859-14'],
  ['LATIN9', 'iso-8859-15'],
  ['LATIN10', 'iso-8859-16'],
  ['ISO_8859_5', 'iso-8859-5'],
  ['ISO_8859_6', 'iso-8859-6'],
  ['ISO_8859_7', 'iso-8859-7'],
  ['ISO_8859_8', 'iso-8859-8'],
  ['WIN866', 'ibm866'],
  ['WIN874', 'windows-874'],
  ['WIN1250', 'windows-1250'],
  ['WIN1251', 'windows-1251'],
  ['WIN1252', 'windows-1252'],
  ['WIN1253', 'windows-1253'],
  ['WIN1254', 'windows-1254'],
  ['WIN1255', 'windows-1255'],
  ['WIN1256', 'windows-1256'],
  ['WIN1257', 'windows-1257'],
  ['WIN1258', 'windows-1258'],
  ['KOI8R', 'koi8-r'],
  ['KOI8U', 'koi8-u'],
  ['EUC_JP', 'euc-jp'],
  ['EUC_JIS_2004', 'euc-jp'],
  ['EUC_CN', 'gbk'],
  ['EUC_KR', 'euc-kr'],
  ['UHC', 'euc-kr'],
  ['SJIS', 'shift_jis'],
  ['SHIFT_JIS_2004', 'shift_jis'],
  ['BIG5', 'big5'],
  ['GBK', 'gbk'],
  ['GB18030', 'gb18030'],
])

/** Turns a field's bytes into text. */
export type Decode = (bytes: Uint8Array) => string

const decoderFor = (label: string): Decode => {
  // A byte order mark inside a log message is text like any other.
  const decoder = new TextDecoder(label as Bun.Encoding, { ignoreBOM: true })
  return (bytes) => decoder.decode(bytes)
}

/** Text in UTF-8, and of connections whose encoding is not named. */
export const decodeUtf8: Decode = decoderFor('utf-8')

// The Encoding Standard reads `iso-8859-1` as windows-1252; PostgreSQL means the real one.
const decodeLatin1: Decode = (bytes) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')

// Latin-1 but for six letters. Its label in the Encoding Standard means windows-1254, which differs below 0xa0.
const TURKISH: Readonly<Record<string, string>> = { Ð: 'Ğ', Ý: 'İ', Þ: 'Ş', ð: 'ğ', ý: 'ı', þ: 'ş' }
const decodeLatin5: Decode = (bytes) => decodeLatin1(bytes).replace(/[ÐÝÞðýþ]/g, (letter) => TURKISH[letter]!)

const decodeAscii: Decode = (bytes) => decodeLatin1(bytes).replace(/[\x80-\xff]/g, '\ufffd')

const known = new Map<string, Decode>([
  ['UTF8', decodeUtf8],
  ['SQL_ASCII', decodeUtf8],
  ['LATIN1', decodeLatin1],
  ['LATIN5', decodeLatin5],
])

/**
 * The decoder of an encoding by PostgreSQL's name for it.
 *
 * SQL_ASCII says nothing about bytes above 127; they are tried as UTF-8, which they nearly always are. An encoding that
 * the runtime has no table of (EUC_TW, JOHAB, MULE_INTERNAL) keeps its ASCII and shows the rest as U+FFFD.
 */
export function decoderOf(encoding: string): Decode {
  let decode = known.get(encoding)
  if (decode !== undefined) return decode
  const label = LABELS.get(encoding)
  decode = label === undefined ? decodeAscii : decoderFor(label)
  // The name comes from a peer: remember only the ones that exist, so that nobody can grow this map.
  if (label !== undefined) known.set(encoding, decode)
  return decode
}

/** Whether text in this encoding can be taken for UTF-8 byte by byte. */
export function isUtf8(encoding: string): boolean {
  return encoding === 'UTF8' || encoding === 'SQL_ASCII' || encoding === ''
}
